import { z } from 'zod'
import { ERRORS, type ErrorCode } from '../../errors.ts'
import { named } from './named.ts'

const codes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]

/** Problem details (RFC 9457). */
export const problemSchema = named(
  'Problem',
  z.object({
    type: z.string().describe('urn:crosspoint:error: and the code'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().describe('One sentence with the names and numbers of the case'),
    code: z.enum(codes),
  }),
)
