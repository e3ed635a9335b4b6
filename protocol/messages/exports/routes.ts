import { type Static, Type } from '@sinclair/typebox'
import { ConversationId } from '../../ids.ts'
import { MAX_PAGE_SIZE } from '../../limits.ts'
import { route } from '../../route.ts'
import { closed } from '../../schema.ts'
import { Export, ExportId } from './entities.ts'

const tags = ['messages']

const params = closed({ exportId: ExportId })

export const BeginExport = route({
  method: 'POST',
  url: '/conversations/:conversationId/exports',
  schema: {
    summary: 'Have what you see of a conversation put into an archive; while one is under way, that one is answered',
    tags,
    params: closed({ conversationId: ConversationId }),
    response: { 200: Export, 201: Export }
  }
})

/** Exports of a person that have not expired. */
export const ExportList = closed({ exports: Type.Array(Export, { maxItems: MAX_PAGE_SIZE }) })
export type ExportList = Static<typeof ExportList>

export const ListExports = route({
  method: 'GET',
  url: '/exports',
  schema: { summary: 'Your exports, the newest first', tags, response: { 200: ExportList } }
})

export const GetExport = route({
  method: 'GET',
  url: '/exports/:exportId',
  schema: {
    summary: 'How far an export of yours is, and where its archive is',
    tags,
    params,
    response: { 200: Export }
  }
})

export const CancelExport = route({
  method: 'DELETE',
  url: '/exports/:exportId',
  schema: { summary: 'Take an export back, with its archive', tags, params, response: { 200: Export } }
})
