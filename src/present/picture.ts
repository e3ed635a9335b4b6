import { fileOfPicture } from '../store/pictures.ts'
import { fileLinks, type LinkHolder } from './file-links.ts'

/** Address of a stored picture of a person or a group, for who is shown it. */
export function presentPicture(stored: string | undefined, holder: LinkHolder): string | undefined {
  const fileId = fileOfPicture(stored)
  return fileId === undefined ? stored : fileLinks.to(fileId.toHexString(), 'preview', holder)
}
