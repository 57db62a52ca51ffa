// The life of a message, read from the server until it is at rest: when it was
// accepted, when a permit was bound to it, what WeChat said.

import { el, refill } from './dom.js'
import { meaning } from './codes.js'
import { readMessage } from './peer.js'
import { has, t } from './words.js'
import { on, refresh } from './world.js'

const most = 5
const atRest = ['sent', 'delivered', 'failed', 'expired', 'canceled', 'unknown']
let box
let messages = [] // the newest first

export function lives (place) {
  box = place
  on('words reset', draw)
}

// follow shows a message and reads it again until it rests.
export function follow (message) {
  messages = [message, ...messages].slice(0, most)
  draw()
  watch(message.id, 0)
}

async function watch (id, tries) {
  const at = () => messages.findIndex((m) => m.id === id)
  if (at() < 0 || atRest.includes(messages[at()].state)) return refresh()
  await new Promise((resolve) => setTimeout(resolve, tries < 20 ? 100 : 1000))
  try {
    const message = await readMessage(id)
    if (at() < 0) return
    messages[at()] = message
    draw()
  } catch {} // asked again in a moment
  watch(id, tries + 1)
}

function draw () {
  refill(box, messages.length ? el('h2', null, el('span', null, t('life'))) : null, messages.map(one))
}

function one (m, i) {
  return el('article.life' + (i ? '.older' : ''), { data: { state: m.state } },
    el('div.pair', null, el('code.cut', { title: m.id }, m.id), el('span.pill' + ({ sent: '', delivered: '', failed: '.bad', expired: '.bad', unknown: '.bad' }[m.state] ?? '.in'), null, t('state_' + m.state))),
    el('ol', null, steps(m)))
}

function steps (m) {
  const begin = new Date(m.created_at)
  const step = (state, name, time, note) => el('li.' + state, null, el('b', null, name), time && el('time', { datetime: time }, clock(time)), time && el('small', null, after(begin, time)), note && el('p', null, note))
  const out = [step('ok', t('life_accepted'), m.created_at, t('life_durable'))]
  for (const a of m.attempts) {
    out.push(step('ok', t('life_claimed', { n: a.number }), a.started_at, m.permit ? t('life_permit', { source: t('source_' + m.permit.source) }) : ''))
    if (a.finished_at) out.push(step(a.outcome === 'accepted' || a.outcome === 'inferred' ? 'ok' : 'bad', t('outcome_' + a.outcome), a.finished_at, said(a)))
  }
  if (atRest.includes(m.state)) {
    const good = m.state === 'sent' || m.state === 'delivered'
    out.push(step(good ? 'ok' : 'bad', t('state_' + m.state), m.updated_at, good ? t('evidence_' + m.evidence) : m.reason && has('reason_' + m.reason) ? t('reason_' + m.reason) : m.reason))
  } else {
    out.push(step('now', t('state_' + m.state), null, has('now_' + m.state) ? t('now_' + m.state) : ''))
  }
  return out
}

const said = (a) => (a.errcode === null || a.errcode === undefined ? '' : a.errcode === 0 ? 'errcode 0' : a.errcode + ': ' + meaning(a.errcode))

function clock (time) {
  const d = new Date(time)
  return d.toTimeString().slice(0, 8) + '.' + String(d.getMilliseconds()).padStart(3, '0')
}

function after (begin, time) {
  const ms = new Date(time) - begin
  return ms <= 0 ? '' : '+' + (ms < 1000 ? ms + ' ms' : (ms / 1000).toFixed(1) + ' s')
}
