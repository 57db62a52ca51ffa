// Elements are made here. Text goes in as text; there is no other way in.

// el makes an element. spec is tag.class.class; what is in props is an
// attribute, except on (listeners), data (data-…) and those that are
// properties. null, undefined and false leave out a prop or a child.
export function el (spec, props, ...children) {
  const [tag, ...classes] = spec.split('.')
  const node = document.createElement(tag || 'div')
  if (classes.length) node.className = classes.join(' ')
  for (const [name, value] of Object.entries(props || {})) set(node, name, value)
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false))
  return node
}

const properties = ['value', 'checked', 'disabled', 'hidden', 'textContent', 'selected', 'inert', 'htmlFor']

function set (node, name, value) {
  if (value === null || value === undefined) return
  if (name === 'on') for (const [type, f] of Object.entries(value)) node.addEventListener(type, f)
  else if (name === 'data') Object.assign(node.dataset, value)
  else if (properties.includes(name)) node[name] = value
  else if (value !== false) node.setAttribute(name, value === true ? '' : value)
}

// svg draws a small picture: shapes are [tag, attributes].
export function svg (width, height, viewBox, ...shapes) {
  const space = 'http://www.w3.org/2000/svg'
  const make = (tag, attributes) => {
    const node = document.createElementNS(space, tag)
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
    return node
  }
  const node = make('svg', { width, height, viewBox, 'aria-hidden': 'true' })
  node.append(...shapes.map(([tag, attributes]) => make(tag, attributes)))
  return node
}

// heading is the head of a panel.
export const heading = (id, text, ...more) => el('h2', { id }, el('span', null, text), ...more)

export const $ = (selector, root = document) => root.querySelector(selector)
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)]

// refill replaces what is in a node; the focus stays on what has the same
// data-key.
export function refill (node, ...children) {
  const held = node.contains(document.activeElement) && document.activeElement.dataset.key
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false))
  if (held) $('[data-key="' + CSS.escape(held) + '"]', node)?.focus({ preventScroll: true })
}

// arrows moves the focus among the buttons of a group with the arrow keys, and
// to its ends with Home and End.
export function arrows (group, selector) {
  group.addEventListener('keydown', (e) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key]
    const all = $$(selector, group)
    const at = all.indexOf(document.activeElement)
    if (at < 0 || (!step && e.key !== 'Home' && e.key !== 'End')) return
    e.preventDefault()
    const next = step ? Math.min(all.length - 1, Math.max(0, at + step)) : e.key === 'Home' ? 0 : all.length - 1
    all[next].focus()
  })
}
