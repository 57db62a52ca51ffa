// Dialogs over the whole page, and the fields in them.

import { $, el, refill } from './dom.js'
import { t } from './words.js'

// dialog asks for something. submit gets the form's values; what it throws is
// shown and the dialog stays.
export function dialog ({ title, note, fields, button, danger, submit }) {
  const fault = el('p.fault', { role: 'alert', hidden: true })
  const form = el('form', null,
    el('h2', { id: 'dialog-h' }, title), note && el('p.soft', null, note), fields, fault,
    el('div.buttons', null,
      el('button.btn', { type: 'button', on: { click: () => box.close() } }, t('cancel')),
      el('button.btn.primary' + (danger ? '.danger' : ''), { type: 'submit' }, button)))
  const box = el('dialog', { 'aria-labelledby': 'dialog-h' }, form)
  form.addEventListener('submit', async (e) => {
    e.preventDefault()
    const send = $('[type=submit]', form)
    send.disabled = true
    try {
      await submit(Object.fromEntries(new FormData(form)))
      box.close()
    } catch (error) {
      fault.textContent = error.message
      fault.hidden = false
    } finally { send.disabled = false }
  })
  box.addEventListener('close', () => box.remove())
  box.addEventListener('click', (e) => { if (e.target === box) box.close() })
  document.body.append(box)
  box.showModal()
  return box
}

// field is a labelled input.
export function field (label, name, props = {}) {
  return el('label.field', null, el('span', null, label), el('input', { name, autocomplete: 'off', ...props }))
}

// select is a labelled select: options are [value, text].
export function select (label, name, options, value, change) {
  return el('label.field', null, el('span', null, label),
    el('select', { name, on: change ? { change } : {} }, options.map(([v, text]) => el('option', { value: v, selected: v === value }, text))))
}

// segment is a row of buttons of which one is chosen: options are [value, text,
// label].
export function segment (node, options, value, choose) {
  refill(node, options.map(([v, text, label]) => el('button', {
    type: 'button', 'aria-pressed': String(v === value), 'aria-label': label, title: label, data: { v, key: v }, on: { click: () => choose(v) }
  }, text)))
}
