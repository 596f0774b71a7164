import type { Reach } from '../../bridges/endpoint.ts'
import type { Calls } from '../../calls/calls.ts'
import { parseStreamName } from '../../core/stream-name.ts'
import { accountView, callExplanationView, callView } from '../call-views.ts'
import { type ApiRoute, type Call, emptyRoute, jsonRoute } from '../route.ts'
import {
  accountsSchema,
  callSchema,
  callsSchema,
  dialSchema,
  digitsSchema,
  explanationSchema,
  hangupSchema,
  hearSchema,
  questionSchema,
  transferResultSchema,
  transferSchema,
} from '../schemas/call.ts'

const idOf = ({ params }: Pick<Call, 'params'>): string => params.id ?? ''
const nameOf = (name: string | undefined): string | undefined => name && parseStreamName(name)
const asked = ({ remote }: Pick<Call, 'remote'>): string => `hung up by ${remote} over the API`

/** What there is, and how one call is made. */
const lookRoutes = (calls: Calls): readonly ApiRoute[] => [
  jsonRoute({
    id: 'listCalls',
    method: 'GET',
    path: '/v1/calls',
    summary: 'Calls that are there, and the last that ended',
    access: 'read',
    answer: callsSchema,
    run: () => ({ calls: calls.list().map(callView) }),
  }),
  jsonRoute({
    id: 'getCall',
    method: 'GET',
    path: '/v1/calls/{id}',
    summary: 'One call with its media',
    access: 'read',
    answer: callSchema,
    run: call => callView(calls.get(idOf(call))),
  }),
  jsonRoute({
    id: 'explainCall',
    method: 'POST',
    path: '/v1/calls/explain',
    summary: 'What would happen to a call, and why: each rule of the dial plan with its verdict',
    access: 'read',
    body: questionSchema,
    answer: explanationSchema,
    run: ({ body }) => callExplanationView(calls.explain(body)),
  }),
  jsonRoute({
    id: 'listCallAccounts',
    method: 'GET',
    path: '/v1/accounts',
    summary: 'Registrations at PBXes and providers, and trunks',
    access: 'read',
    answer: accountsSchema,
    run: () => ({ accounts: calls.accounts().map(accountView) }),
  }),
]

const beginAndEndRoutes = (calls: Calls, reach: Pick<Reach, 'resolveHost'>): readonly ApiRoute[] => [
  jsonRoute({
    id: 'dial',
    method: 'POST',
    path: '/v1/calls',
    summary: 'Calls somebody; answered as soon as it is on its way, events tell how it goes on',
    access: 'write',
    body: dialSchema,
    answer: callSchema,
    status: 201,
    location: ({ id }) => `/v1/calls/${id}`,
    run: async ({ body: { publish, hear, ...request } }) => {
      const { resolveHost } = reach
      const streams = { publish: nameOf(publish), hear: nameOf(hear) }
      return callView(await calls.dial({ ...request, ...streams, resolveHost }))
    },
  }),
  emptyRoute({
    id: 'hangUp',
    method: 'POST',
    path: '/v1/calls/{id}/hangup',
    summary: 'Ends a call, also one that rings; the reason is told to the far side',
    access: 'write',
    body: hangupSchema,
    run: call => calls.hangup(idOf(call), call.body.reason ?? asked(call)),
  }),
  emptyRoute({
    id: 'endCall',
    method: 'DELETE',
    path: '/v1/calls/{id}',
    summary: 'Ends a call',
    access: 'write',
    run: call => calls.hangup(idOf(call), asked(call)),
  }),
]

const changeRoutes = (calls: Calls): readonly ApiRoute[] => [
  jsonRoute({
    id: 'holdCall',
    method: 'POST',
    path: '/v1/calls/{id}/hold',
    summary: 'Puts the far side on hold',
    access: 'write',
    answer: callSchema,
    async run(call) {
      await calls.hold(idOf(call))
      return callView(calls.get(idOf(call)))
    },
  }),
  jsonRoute({
    id: 'unholdCall',
    method: 'POST',
    path: '/v1/calls/{id}/unhold',
    summary: 'Takes it back',
    access: 'write',
    answer: callSchema,
    async run(call) {
      await calls.unhold(idOf(call))
      return callView(calls.get(idOf(call)))
    },
  }),
  jsonRoute({
    id: 'hearInCall',
    method: 'PATCH',
    path: '/v1/calls/{id}',
    summary: 'What the far side hears from now on',
    access: 'write',
    body: hearSchema,
    answer: callSchema,
    async run(call) {
      await calls.hear(idOf(call), nameOf(call.body.hear ?? undefined))
      return callView(calls.get(idOf(call)))
    },
  }),
  emptyRoute({
    id: 'sendDigits',
    method: 'POST',
    path: '/v1/calls/{id}/dtmf',
    summary: 'Keys in digits; answered when they have been sent',
    access: 'write',
    body: digitsSchema,
    run: call => calls.sendDigits(idOf(call), call.body.digits, call.body.how),
  }),
  jsonRoute({
    id: 'transferCall',
    method: 'POST',
    path: '/v1/calls/{id}/transfer',
    summary: 'Passes the far side on to somebody else; answered when it is known how that went',
    access: 'write',
    body: transferSchema,
    answer: transferResultSchema,
    run: call => calls.transfer(idOf(call), call.body.to),
  }),
]

export const callRoutes = (calls: Calls, reach: Reach): readonly ApiRoute[] => [
  ...lookRoutes(calls),
  ...beginAndEndRoutes(calls, reach),
  ...changeRoutes(calls),
]
