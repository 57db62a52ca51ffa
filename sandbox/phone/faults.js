// Rules that break calls on WeChat's side. The first that hits a call is the
// one that counts; so the latency, which hits everything, is kept last.

import { post, remove } from './api.js'
import { el, heading, refill } from './dom.js'
import { editFault } from './faultform.js'
import { failed } from './note.js'
import { t } from './words.js'
import { refresh, show, userOf, world } from './world.js'

// presets are what one wants most often.
const presets = [
  { name: 'f_token', mark: '40001', rule: { endpoint: 'send', effect: 'errcode', errcode: 40001 } },
  { name: 'f_form', mark: '41028', rule: { endpoint: 'template/send', effect: 'errcode', errcode: 41028 } },
  { name: 'f_used', mark: '41029', rule: { endpoint: 'template/send', effect: 'errcode', errcode: 41029 } },
  { name: 'f_refuse', mark: '43101', rule: { endpoint: 'subscribe/send', effect: 'errcode', errcode: 43101 } },
  { name: 'f_quota', mark: '45009', rule: { endpoint: 'send', effect: 'errcode', errcode: 45009 } },
  { name: 'f_lost', mark: 'lost', rule: { endpoint: 'send', effect: 'drop_response' } }
]

let next = 1 // calls that a preset hits

const is = (f, rule) => f.endpoint === rule.endpoint && f.effect === rule.effect && (f.errcode || 0) === (rule.errcode || 0) &&
  !f.appid && !f.openid && !f.template_id && f.times > 0
const isLatency = (f) => f.endpoint === '*' && f.effect === 'slow' && !f.times && !f.probability && !f.above_per_second
const latency = () => world.faults.find(isLatency)

// addFault adds a rule before the latency.
export async function addFault (rule) {
  const slow = latency()
  await post('/sandbox/faults', rule)
  if (slow) {
    await remove('/sandbox/faults/' + slow.id)
    await post('/sandbox/faults', { endpoint: '*', effect: 'slow', delay_ms: slow.delay_ms })
  }
  refresh()
}

const drop = (f) => remove('/sandbox/faults/' + f.id).then(refresh)

export function startFaults (box) {
  show('state', () => [world.faults, next], () => draw(box))
}

function draw (box) {
  const others = world.faults.filter((f) => !isLatency(f) && !presets.some((p) => is(f, p.rule)))
  refill(box,
    heading('faults-h', t('faults'), el('small.mono', null, world.faults.length),
      el('button.btn.add', { type: 'button', 'aria-label': t('add_fault'), title: t('add_fault'), data: { key: 'add' }, on: { click: editFault } }, '+')),
    el('div.faults', null, presets.map((p) => row(t(p.name), p.mark, world.faults.find((f) => is(f, p.rule)), () => addFault({ ...p.rule, times: next }))),
      others.map((f) => row(inWords(f), f.errcode || f.effect.replace('_', ' '), f))),
    range(t('next'), next, 1, 10, (v) => t('calls_n', { n: v }), (v) => { next = v }),
    range(t('latency'), latency()?.delay_ms || 0, 0, 3000, (v) => v + ' ms', setLatency))
}

// row is a switch: on adds the rule, off removes it.
function row (label, mark, fault, add) {
  const flip = () => (fault ? drop(fault) : add()).catch(failed)
  const used = fault && fault.times > 0 && fault.hits >= fault.times
  const hits = fault ? (fault.times ? fault.hits + '/' + fault.times : '×' + fault.hits) : ''
  return el('div.fault' + (used ? '.spent' : ''), { title: used ? t('fault_spent') : null },
    el('button.switch', { type: 'button', role: 'switch', 'aria-checked': String(Boolean(fault)), 'aria-label': label, data: { key: mark + label, fault: mark }, on: { click: flip } }),
    el('span.cut', { title: label }, label), el('small.mono', { data: { hits: mark } }, hits), el('code', null, mark))
}

// inWords says what a rule does.
function inWords (f) {
  const where = f.endpoint === '*' ? t('all_calls') : f.endpoint
  const how = f.times ? t('calls_n', { n: f.times }) : f.probability ? Math.round(100 * f.probability) + ' %' : f.above_per_second ? '> ' + f.above_per_second + '/s' : t('always')
  const whose = f.openid ? ' · ' + (userOf(f.openid)?.nickname || f.openid) : ''
  return where + ' · ' + how + (f.delay_ms ? ' · ' + f.delay_ms + ' ms' : '') + whose
}

function range (label, value, min, max, say, done) {
  const out = el('b.mono', null, say(value))
  const input = el('input', { type: 'range', min, max, step: max > 100 ? 50 : 1, 'aria-label': label, data: { key: label } })
  input.value = value
  input.addEventListener('input', () => { out.textContent = say(Number(input.value)) })
  input.addEventListener('change', () => Promise.resolve(done(Number(input.value))).catch(failed))
  return el('div.range', null, el('span', null, label), input, out)
}

async function setLatency (ms) {
  const slow = latency()
  if (slow) await remove('/sandbox/faults/' + slow.id)
  if (ms > 0) await post('/sandbox/faults', { endpoint: '*', effect: 'slow', delay_ms: ms })
  refresh()
}
