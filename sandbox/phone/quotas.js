// The day's quotas: what is used, and how to use them up or get them back.

import { post } from './api.js'
import { dialog, field } from './dialog.js'
import { el, heading, refill } from './dom.js'
import { failed } from './note.js'
import { t } from './words.js'
import { refresh, show, world } from './world.js'

export function startQuotas (box) {
  show('state user', () => [world.app, world.quotas], () => {
    refill(box, heading('quotas-h', t('quotas'), el('small', null, t('today'))),
      world.quotas.filter((q) => q.appid === world.app).map(row))
  })
}

function row (q) {
  const bar = el('i')
  bar.style.setProperty('width', Math.min(100, q.limit ? 100 * q.used / q.limit : 100) + '%')
  const full = q.used >= q.limit
  return el('div.quota' + (full ? '.full' : ''), null,
    el('div.pair', null, el('code', null, q.endpoint),
      el('button.link.mono', { type: 'button', 'aria-label': t('edit_quota', { name: q.endpoint }), title: t('edit_quota', { name: q.endpoint }), data: { key: q.endpoint, quota: q.endpoint }, on: { click: () => edit(q) } },
        q.used.toLocaleString('en') + ' / ' + q.limit.toLocaleString('en'))),
    el('div.bar', null, bar))
}

const set = (q, values) => post('/sandbox/quotas', { appid: q.appid, endpoint: q.endpoint, ...values }).then(refresh)

function edit (q) {
  const box = dialog({
    title: t('edit_quota', { name: q.endpoint }),
    note: t('quota_note'),
    fields: [
      field(t('used'), 'used', { type: 'number', min: 0, value: q.used }),
      field(t('limit'), 'limit', { type: 'number', min: 0, value: q.limit }),
      el('div.quick', null,
        el('button.btn', { type: 'button', data: { quota: 'reset' }, on: { click: () => at(set(q, { used: 0 })) } }, t('quota_reset')),
        el('button.btn', { type: 'button', data: { quota: 'full' }, on: { click: () => at(set(q, { used: q.limit })) } }, t('quota_full')))
    ],
    button: t('save'),
    submit: ({ used, limit }) => set(q, { used: Number(used), limit: Number(limit) })
  })
  const at = (done) => done.then(() => box.close(), failed)
}
