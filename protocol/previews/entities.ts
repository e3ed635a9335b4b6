import { type Static, Type } from '@sinclair/typebox'
import { closed, PLAIN_TEXT, WebAddress } from '../schema.ts'

/** Longest texts of a preview, characters. */
export const MAX_PREVIEW_TITLE = 200
export const MAX_PREVIEW_DESCRIPTION = 300
export const MAX_PREVIEW_SITE_NAME = 100

const pixels = Type.Integer({ minimum: 1, maximum: 100_000 })
const textOf = (length: number) =>
  // A character may be two units of UTF-16, by which some count.
  Type.Optional(Type.String({ minLength: 1, maxLength: length * 2, pattern: PLAIN_TEXT }))

/** Picture of a page, kept by this server; its addresses are each reader's own, like those of files. */
export const PreviewPicture = closed({
  url: WebAddress,
  thumbnailUrl: WebAddress,
  thumbhash: Type.String({ maxLength: 64, pattern: '^[A-Za-z0-9+/=]*$' }),
  width: pixels,
  height: pixels
})
export type PreviewPicture = Static<typeof PreviewPicture>

/** The first link of a message, and what its page says of itself. Plain text, which proves nothing. */
export const LinkPreview = closed({
  url: { ...WebAddress, description: 'The link, as it is in the text.' },
  title: textOf(MAX_PREVIEW_TITLE),
  description: textOf(MAX_PREVIEW_DESCRIPTION),
  siteName: textOf(MAX_PREVIEW_SITE_NAME),
  picture: Type.Optional(PreviewPicture)
})
export type LinkPreview = Static<typeof LinkPreview>
