import type { BoundAddress, ListenAddress } from '../addresses.ts'

/** The address as it became, with the port that the system chose. */
export const boundAddress = (
  { transport, host, external, leadsTo, oursOnly }: ListenAddress,
  port: number,
): BoundAddress => ({
  transport,
  host,
  port,
  ...(external !== undefined && { external }),
  ...(leadsTo !== undefined && { leadsTo }),
  ...(oursOnly && { oursOnly }),
})
