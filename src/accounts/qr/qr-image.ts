/** `terminal` is text with colours. */
export type QrFormat = 'png' | 'svg' | 'terminal'

const OPTIONS = { errorCorrectionLevel: 'M', margin: 4 } as const

/** A picture of a text, with its media type. */
export async function drawQr(text: string, format: QrFormat = 'png'): Promise<{ type: string; content: Buffer }> {
  const { toBuffer, toString: toText } = await import('qrcode')
  if (format === 'png') return { type: 'image/png', content: await toBuffer(text, { ...OPTIONS, scale: 8 }) }
  if (format === 'svg') {
    return {
      type: 'image/svg+xml; charset=utf-8',
      content: Buffer.from(await toText(text, { ...OPTIONS, type: 'svg' }))
    }
  }
  const drawn = await toText(text, { ...OPTIONS, type: 'terminal', small: true })
  return { type: 'text/plain; charset=utf-8', content: Buffer.from(drawn) }
}
