// JSON whose numbers keep their digits: WeChat's msgid is beyond 2^53. Where a
// browser cannot tell a number's own text, the nearest one has to do.

export function parse (text) {
  return JSON.parse(text, (_key, value, context) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) return value
    return context && context.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value
  })
}

const isRaw = (v) => JSON.isRawJSON !== undefined && JSON.isRawJSON(v)
const simple = (v) => v === null || typeof v !== 'object' || isRaw(v)

// pretty writes a value over several lines; an object of few plain members
// stays on one.
export function pretty (value, indent = '') {
  if (simple(value)) return JSON.stringify(value)
  const list = Array.isArray(value)
  const [open, close] = list ? '[]' : '{}'
  const members = list
    ? value.map((v) => ['', v])
    : Object.entries(value).map(([k, v]) => [JSON.stringify(k) + ': ', v])
  if (members.length === 0) return open + close
  if (members.every(([, v]) => simple(v))) {
    const line = open + ' ' + members.map(([k, v]) => k + JSON.stringify(v)).join(', ') + ' ' + close
    if (line.length <= 52) return line
  }
  const deeper = indent + ' '
  return open + '\n' + members.map(([k, v]) => deeper + k + pretty(v, deeper)).join(',\n') + '\n' + indent + close
}

// tokens cuts JSON text into pieces with a class each, for colours.
export function tokens (text) {
  const out = []
  let end = 0
  for (const m of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g)) {
    if (m.index > end) out.push(['', text.slice(end, m.index)])
    out.push([m[1] ? 'k' : m[0][0] === '"' ? 's' : 'n', m[0]])
    end = m.index + m[0].length
  }
  if (end < text.length) out.push(['', text.slice(end)])
  return out
}
