/** Which files this process is writing, or reads for a job: nothing may take them away meanwhile. */
const holds = new Map<string, number>()

/** `path` is absolute. Returns what lets it go again, once. */
export const holdOpen = (path: string): (() => void) => {
  holds.set(path, (holds.get(path) ?? 0) + 1)
  let held = true
  return () => {
    if (!held) return
    held = false
    const left = (holds.get(path) ?? 0) - 1
    if (left > 0) holds.set(path, left)
    else holds.delete(path)
  }
}

export const isHeldOpen = (path: string): boolean => holds.has(path)
