import { parentPort, workerData } from 'node:worker_threads'
import { tellFacts } from './facts.ts'

// The program of the thread that reads a recording: it tells what it knows as soon as it knows it.
await tellFacts(String(workerData), facts => parentPort?.postMessage(facts))
