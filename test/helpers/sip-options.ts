/** Whether somebody answers SIP at a port of this machine. */
import { createSocket } from 'node:dgram'

const options = (from: number, to: number): string =>
  [
    `OPTIONS sip:127.0.0.1:${to} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${from};branch=z9hG4bK${from}${Math.random().toString(36).slice(2)};rport`,
    `From: <sip:probe@127.0.0.1>;tag=${from}`,
    `To: <sip:127.0.0.1:${to}>`,
    `Call-ID: ${from}-${Math.random()}`,
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 5',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')

/** Asks once; false after `waitMs` of silence. */
export const sipReaches = (port: number, waitMs = 300): Promise<boolean> =>
  new Promise(resolve => {
    const socket = createSocket('udp4')
    const done = (answer: boolean): void => {
      clearTimeout(timer)
      socket.close(() => resolve(answer))
    }
    const timer = setTimeout(() => done(false), waitMs)
    socket.once('message', () => done(true))
    socket.bind(0, '127.0.0.1', () => socket.send(options(socket.address().port, port), port, '127.0.0.1'))
  })
