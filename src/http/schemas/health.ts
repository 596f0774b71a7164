import { z } from 'zod'
import { named } from './named.ts'

export const healthSchema = named('Health', z.object({ status: z.literal('ok') }))
