/** The load's process: is asked for one scenario, runs it, answers its result. */
import { SCENARIOS, type ScenarioName } from './scenarios.ts'

interface Question {
  scenario: ScenarioName
  params: never
}

async function answer({ scenario, params }: Question): Promise<void> {
  try {
    process.send?.({ result: await SCENARIOS[scenario](params) })
  } catch (error) {
    process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

process.once('message', (question: Question) => void answer(question))
