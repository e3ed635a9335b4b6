/** A sleep that can be ended early. A call of `wake` while nobody sleeps ends the next sleep at once. */
export class Wake {
  #isDue = false
  #end: (() => void) | undefined

  wake(): void {
    this.#isDue = true
    this.#end?.()
  }

  async sleep(ms: number): Promise<void> {
    if (!this.#isDue && ms > 0) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, ms).unref()
        this.#end = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#end = undefined
    this.#isDue = false
  }
}
