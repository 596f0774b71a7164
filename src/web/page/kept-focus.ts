/** Whoever goes through a list by keyboard stays in it when what has the focus goes away. */
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'

const focusable = 'button, a[href], summary'

/** As `item` goes: the next item of its list gets the focus, else the one before, else the heading of the page. */
export const useKeptFocus = (item: RefObject<HTMLElement | null>): void =>
  // A layout effect ends while the item is still there, another one later.
  useLayoutEffect(() => {
    const { current } = item
    return () => {
      if (current === null || !current.contains(document.activeElement)) return
      const neighbour = current.nextElementSibling ?? current.previousElementSibling
      const next = neighbour?.querySelector<HTMLElement>(focusable) ?? document.querySelector('h1')
      next?.focus()
    }
  }, [item])

const isNowhere = ({ activeElement }: Document): boolean =>
  activeElement === null || activeElement === document.body || activeElement.closest('[hidden]') !== null

/** When the button to press next is another one and the one that was pressed is gone, the focus is on it. */
export const useHandedFocus = (selector: string): void => {
  const before = useRef(selector)
  useEffect(() => {
    if (before.current === selector) return
    before.current = selector
    if (isNowhere(document)) document.querySelector<HTMLElement>(selector)?.focus()
  }, [selector])
}
