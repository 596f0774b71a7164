/** Builds page elements. Text only ever becomes text nodes: names from outside can never turn into markup. */
type Child = Node | string | undefined
type Listeners = { readonly [Type in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Type]) => void }

export interface Attributes {
  readonly class?: string
  readonly on?: Listeners
  readonly [attribute: string]: unknown
}

const setAttribute = (element: Element, name: string, value: unknown): void => {
  if (value === undefined || value === false) return
  element.setAttribute(name, value === true ? '' : String(value))
}

/** `h('button', { class: 'primary', on: { click } }, 'Start')` */
export const h = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  { on = {}, ...attributes }: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value)
  for (const [type, listener] of Object.entries(on)) element.addEventListener(type, listener as EventListener)
  element.append(...children.filter(child => child !== undefined))
  return element
}

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
} as const
export type IconName = keyof typeof paths

/** As `h`, for drawings. */
export const svg = <Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, unknown>>,
  ...children: readonly SVGElement[]
): SVGElementTagNameMap[Tag] => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value)
  element.append(...children)
  return element
}

/** A line icon, decorative: the control around it carries the words. */
export const icon = (name: IconName): SVGSVGElement =>
  svg('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': true }, svg('path', { d: paths[name] }))
