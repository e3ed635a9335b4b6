/** Program of the threads that read recordings, where the build leaves it, from here and from what this is bundled into. */
export const RECORDING_WORKER = new URL('../src/media/recordings/worker.js', import.meta.url)
