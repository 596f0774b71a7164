/** Somebody who sends loud RTP to every port of a range, and tells whether anything ever came back. */
import { createSocket } from 'node:dgram'

const [from = '', to = '', first = '0', last = '0'] = process.argv.slice(2)
const packet = Buffer.alloc(172)
packet[0] = 0x80
packet.writeUInt32BE(0xbad0_bad0, 8)
let sequence = 0
let got = 0
const socket = createSocket('udp4')
socket.on('message', () => got++)
socket.bind(0, from, () => {
  setInterval(() => {
    packet.writeUInt16BE(++sequence & 0xffff, 2)
    packet.writeUInt32BE(sequence * 160, 4)
    for (let port = Number(first); port <= Number(last); port++) socket.send(packet, port, to)
  }, 10)
})
process.on('SIGTERM', () => {
  process.stdout.write(`sent ${sequence} got ${got}\n`, () => process.exit(0))
})
