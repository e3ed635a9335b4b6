import type { ChildProcess } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'

/** Ends the process group of a worker. */
export function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) kill(-pid)
}

/** Ends what a test file has started and left, by the mark in its environment, handed on by each to its own. @returns how many */
export async function killMarked(mark: string): Promise<number> {
  const pids = await findMarked(mark)
  for (const pid of pids) kill(pid)
  return pids.length
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** Only where the system shows the environment of processes. */
async function findMarked(mark: string): Promise<number[]> {
  if (process.platform !== 'linux') return []
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  const found = await Promise.all(
    pids.map(async pid =>
      (await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).includes(`TEST_MARK=${mark}`)
    )
  )
  return pids.filter((_, index) => found[index])
}
