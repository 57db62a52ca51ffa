// The form for a rule: which calls, what happens to them, how often.

import { codes, meaning } from './codes.js'
import { dialog, field, select } from './dialog.js'
import { $, $$, el } from './dom.js'
import { addFault } from './faults.js'
import { t } from './words.js'
import { templates, userOf, world } from './world.js'

const effects = ['errcode', 'drop_request', 'drop_response', 'reset', 'slow', 'malformed', 'status', 'redirect']
const endpoints = ['send', 'template/send', 'subscribe/send', 'token', 'jscode2session', '*']
const shapes = ['times', 'probability', 'above_per_second', 'always']

// where an errcode is at home: the call that it is offered for.
const homes = { token: 'token', login: 'jscode2session', template: 'template/send', subscribe: 'subscribe/send', send: 'send', manage: '*', all: 'send' }

export function editFault () {
  const user = userOf(world.user)
  const box = dialog({
    title: t('add_fault'),
    note: t('fault_note'),
    fields: [
      select(t('effect'), 'effect', effects.map((e) => [e, t('effect_' + e)]), 'errcode', fit),
      el('p.soft.says', { id: 'effect-says' }),
      picker(),
      el('div.when-status', null, field(t('http_status'), 'status', { type: 'number', min: 300, max: 599, value: 502 })),
      el('div.when-slow', null, field(t('delay'), 'delay_ms', { type: 'number', min: 0, max: 600000, value: 3000 })),
      select(t('endpoint'), 'endpoint', endpoints.map((e) => [e, e === '*' ? t('all_calls') : e === 'send' ? t('all_sends') : e]), 'send'),
      select(t('only_user'), 'openid', [['', t('all_users')], ...(user ? [[user.openid, user.nickname]] : [])], ''),
      select(t('only_template'), 'template_id', [['', t('all_templates')], ...templates().map((x) => [x.template_id, x.title + ' · ' + t(x.channel)])], ''),
      select(t('how_often'), 'shape', shapes.map((s) => [s, t('shape_' + s)]), 'times', fit),
      el('div.when-times', null, field(t('shape_times'), 'times', { type: 'number', min: 1, max: 1000000, value: 1 })),
      el('div.when-probability', null, field(t('percent'), 'percent', { type: 'number', min: 1, max: 100, value: 30 }), field(t('seed'), 'seed', { type: 'number', min: 0, value: 1 })),
      el('div.when-above', null, field(t('per_second'), 'above_per_second', { type: 'number', min: 1, value: 5 }))
    ],
    button: t('add'),
    submit: (values) => addFault(rule(values))
  })
  box.classList.add('wide')
  function fit () {
    const { effect, shape } = Object.fromEntries(new FormData($('form', box)))
    $('#effect-says', box).textContent = t('effect_' + effect + '_says')
    const shown = { '.picker': effect === 'errcode', '.when-status': effect === 'status' || effect === 'redirect', '.when-slow': effect === 'slow', '.when-times': shape === 'times', '.when-probability': shape === 'probability', '.when-above': shape === 'above_per_second' }
    for (const [selector, yes] of Object.entries(shown)) $(selector, box).hidden = !yes
    $('[name=status]', box).value = effect === 'redirect' ? 302 : 502
  }
  box.addEventListener('change', (e) => {
    if (e.target.name === 'errcode') $('[name=endpoint]', box).value = homes[codes.find((c) => c.errcode === Number(e.target.value)).calls]
  })
  fit()
}

// picker lists the known errcodes with a sentence each, and finds among them.
function picker () {
  const list = el('div.codes', { role: 'radiogroup', 'aria-label': 'errcode' }, codes.map((c) => el('label.code', null,
    el('input', { type: 'radio', name: 'errcode', value: c.errcode, checked: c.errcode === 45009 }),
    el('span', null, el('b.mono', null, c.errcode), ' ', el('code', null, c.text), el('small', null, meaning(c.errcode))))))
  const find = el('input', { type: 'search', placeholder: t('find_code'), 'aria-label': t('find_code') })
  find.addEventListener('input', () => {
    const words = find.value.toLowerCase().split(/\s+/)
    for (const label of $$('.code', list)) label.hidden = !words.every((w) => label.textContent.toLowerCase().includes(w))
  })
  queueMicrotask(() => $('input:checked', list)?.closest('.code').scrollIntoView({ block: 'nearest' }))
  return el('div.picker', null, find, list)
}

function rule (v) {
  const out = { endpoint: v.endpoint, effect: v.effect }
  if (v.openid) Object.assign(out, { openid: v.openid, appid: world.app })
  if (v.template_id) out.template_id = v.template_id
  if (v.effect === 'errcode') out.errcode = Number(v.errcode)
  if (v.effect === 'status' || v.effect === 'redirect') out.status = Number(v.status)
  if (v.effect === 'slow') out.delay_ms = Number(v.delay_ms)
  if (v.shape === 'times') out.times = Number(v.times)
  if (v.shape === 'probability') Object.assign(out, { probability: Number(v.percent) / 100, seed: Number(v.seed) })
  if (v.shape === 'above_per_second') out.above_per_second = Number(v.above_per_second)
  return out
}
