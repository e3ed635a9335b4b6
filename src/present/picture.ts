import { fileOfPicture } from '../store/pictures.ts'
import { fileLinks, type LinkHolder } from './file-links.ts'

/** Address of a stored picture of a person or a group. @param holderOf says to whom it is shown, of a file that is kept here */
export function presentPicture(stored: string | undefined, holderOf: () => LinkHolder): string | undefined {
  const fileId = fileOfPicture(stored)
  return fileId === undefined ? stored : fileLinks.to(fileId.toHexString(), 'preview', holderOf())
}
