import { type Delivery, DeliveryError } from './port.ts'

/** Delivers nothing, to nobody: nothing is configured. */
export class NoDelivery implements Delivery {
  readonly channels = [] as const

  async deliver(): Promise<void> {
    throw new DeliveryError('No delivery is configured', true)
  }

  close(): void {
    // Nothing is ever under way.
  }
}
