/**
 * Receives the gateway's webhooks and answers its access hook. Needs nothing but Node.
 * Copy `check`: a receiver that skips one of its steps can be told anything by anybody.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const secret = process.env.HOOK_SECRET
const [host, port] = (process.env.RECEIVER ?? '127.0.0.1:9000').split(':')
if (!secret) throw new Error('HOOK_SECRET is not set')

/** A request may be this old; clocks may differ by as much. */
const toleranceS = 300
/** What was taken within that time: a try whose answer was lost comes again, with the same id. */
const taken = new Map()

const isSame = (one, other) => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Says what is wrong with a request; undefined: it is the gateway's, whole, and of now. */
const check = (headers, body) => {
  const timestamp = headers['x-crosspoint-timestamp'] ?? ''
  const signature = headers['x-crosspoint-signature'] ?? ''
  // The signature first: nothing else of a forged request is looked at.
  const expected = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  if (!isSame(signature, `sha256=${expected}`)) return 'the signature is wrong'
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceS) return 'it is too old'
  return undefined
}

const isRepeated = id => {
  const now = Date.now()
  for (const [old, at] of taken) if (now - at > 2 * toleranceS * 1000) taken.delete(old)
  if (taken.has(id)) return true
  taken.set(id, now)
  return false
}

/** What you came for: put your own in here. */
const onEvent = ({ type, stream = '', reason = '', data }) =>
  console.log(`${type} ${stream} ${reason || JSON.stringify(data)}`)

/** Who may publish and play. Anything but 2xx is a no. */
const mayDo = ({ action, stream, token }) =>
  action === 'subscribe' || (stream.startsWith('live/') && token === 'open-sesame')

const answer = (path, body) => {
  if (path === '/ask') return mayDo(JSON.parse(body)) ? [204] : [403, '{"reason":"you did not say the word"}']
  onEvent(JSON.parse(body))
  return [204]
}

const server = createServer((request, response) => {
  const chunks = []
  let size = 0
  request.on('data', chunk => {
    size += chunk.length
    if (size > 65_536) request.destroy()
    else chunks.push(chunk)
  })
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString()
    const wrong = check(request.headers, body)
    if (wrong !== undefined) {
      console.log(`refused: ${wrong}`)
      response.writeHead(401).end(wrong)
    } else if (isRepeated(request.headers['x-crosspoint-id'])) {
      // Taken before: say so again, do nothing again.
      response.writeHead(200).end()
    } else {
      const [status, text] = answer(request.url, body)
      response.writeHead(status, { 'content-type': 'application/json' }).end(text)
    }
  })
})
server.listen(Number(port), host, () => console.log(`receiver listens on http://${host}:${port}`))
