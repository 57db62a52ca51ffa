// Words to the one who uses the page, and copying.

import { $, el } from './dom.js'
import { t } from './words.js'

let end = 0

export function note (text, bad = false) {
  const box = $('#note')
  box.textContent = text
  box.classList.toggle('bad', bad)
  box.classList.add('on')
  clearTimeout(end)
  end = setTimeout(() => box.classList.remove('on'), bad ? 8000 : 3000)
}

// failed says what went wrong, in the words of whoever refused.
export function failed (error) {
  note(error.message === 'Failed to fetch' ? t('away') : error.message, true)
}

export async function copy (text) {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    byHand(text) // no clipboard outside of https and loopback
  }
  note(t('copied'))
}

function byHand (text) {
  const area = el('textarea.offscreen', { value: text, 'aria-hidden': 'true' })
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

// copyable is a code with a button that copies it.
export function copyable (name, value) {
  return el('div.copyable', null, el('span', null, name), el('code', { title: value }, value),
    el('button.btn', { type: 'button', 'aria-label': t('copy') + ' ' + name, on: { click: () => copy(value) } }, t('copy')))
}
