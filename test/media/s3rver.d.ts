declare module 's3rver' {
  /** A server that speaks S3, on a folder. */
  class S3rver {
    constructor(options: object)
    run(): Promise<unknown>
    close(): Promise<void>
  }
  export = S3rver
}
