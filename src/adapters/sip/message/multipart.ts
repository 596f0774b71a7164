import type { Body } from './types.ts'

const typeLine = /^content-type[ \t]*:[ \t]*([^\r\n]*)/im

/**
 * The session description out of a body of several parts, as trunks send that add ISUP or a location (RFC 5621);
 * undefined when there is none. The line break before a boundary is left to it: it ends the last line.
 */
export const sessionPart = (contentType: string, content: string): Body | undefined => {
  const boundary = /^multipart\/.*;\s*boundary\s*=\s*"?([^";]+)/i.exec(contentType)?.[1]?.trim()
  if (boundary === undefined) return undefined
  for (const piece of content.split(`--${boundary}`)) {
    const end = piece.indexOf('\r\n\r\n')
    const type = typeLine.exec(piece.slice(0, Math.max(0, end)))?.[1]?.toLowerCase()
    if (type?.startsWith('application/sdp')) return { type: 'application/sdp', content: piece.slice(end + 4) }
  }
  return undefined
}
