/** A line icon, decorative: the control around it carries the words. */
import { type ComponentChild, h } from 'preact'

const paths = {
  copy: 'M9 9h10v10H9zM5 15V5h10',
  done: 'M5 12l5 5L19 7',
  sound: 'M4 10v4h4l5 4V6L8 10zM16 9a4 4 0 010 6M18.5 6.5a8 8 0 010 11',
  muted: 'M4 10v4h4l5 4V6L8 10zM16 9.5l5 5M21 9.5l-5 5',
  full: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  camera: 'M3 7h12v10H3zM15 11l6-3v8l-6-3',
  screen: 'M3 5h18v11H3zM9 20h6M12 16v4',
  stop: 'M7 7h10v10H7z',
  add: 'M12 5v14M5 12h14',
  phone: 'M6 3h4l2 5-3 2a12 12 0 005 5l2-3 5 2v4a2 2 0 01-2 2A17 17 0 014 5a2 2 0 012-2z',
} as const
export type IconName = keyof typeof paths

export const Icon = ({ name }: { readonly name: IconName }): ComponentChild =>
  h('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': true }, h('path', { d: paths[name] }))
