// What WeChat checks in a call, in the order in which it does, and what real
// WeChat would not like although the sandbox let it pass. checks returns
// [state, text] pairs; states are ok, bad, warn and skip (not reached).

import { codeOf, meaning } from './codes.js'
import { t } from './words.js'
import { templateOf } from './world.js'

// Each step with the errcodes that end the call there.
const call = ['call', 40066, 43001, 43002, 43003]
const token = ['token', 40001, 40014, 41001, 42001]
const json = ['json', 44002, 47001]
const sends = {
  '/cgi-bin/message/wxopen/template/send': [call, token, json, ['alive', 45103, 46101], ['openid', 40003], ['blocked', 43019],
    ['template', 40037], ['page', 41030], ['permit', 41028, 41029, 41031], ['quota', 45009]],
  '/cgi-bin/message/subscribe/send': [call, token, json, ['openid', 40003], ['template', 40037], ['busy', 43108],
    ['page', 41030], ['values', 47003], ['consent', 43101], ['quota', 45009]]
}
const others = {
  '/cgi-bin/token': [call, ['credentials', 40002, 40013, 40125, 41002, 41004, 40164], ['quota', 45009]],
  '/cgi-bin/stable_token': [call, json, ['credentials', 40002, 40013, 40125, 41002, 41004, 40164], ['quota', 45009, 45011]],
  '/sns/jscode2session': [call, ['credentials', 40002, 40013, 40125, 41002, 41004], ['code', 40029, 40163, 41008], ['rate', 45011]]
}
const unacted = ['errcode', 'status', 'redirect', 'drop_request', 'reset'] // faults that let nothing happen

export function checks (r) {
  return [...fault(r), ...steps(r), ...answered(r), ...(sends[r.path] && isObject(r.body) ? advice(r) : []), ...tokens(r)]
}

const isObject = (v) => v !== null && typeof v === 'object'

function fault (r) {
  if (!r.fault) return []
  const says = t('effect_' + r.fault + '_says')
  return [['warn', t('check_fault', { effect: t('effect_' + r.fault), says }) + (r.fault === 'errcode' ? ' ' + r.errcode + ': ' + meaning(r.errcode) : '')]]
}

function steps (r) {
  if (unacted.includes(r.fault)) return [['skip', t('check_unasked')]]
  const list = sends[r.path] || others[r.path] || [call, token, json]
  const failed = r.errcode ? list.findIndex(([, ...codes]) => codes.includes(r.errcode)) : -1
  if (r.errcode && failed < 0) return [['bad', r.errcode + ': ' + (meaning(r.errcode) || t('check_unknown'))]]
  return list.map(([name], i) => {
    if (i === failed) return ['bad', t('check_' + name) + ' – ' + r.errcode + ' ' + (codeOf(r.errcode)?.text || '') + ': ' + meaning(r.errcode)]
    return [failed >= 0 && i > failed ? 'skip' : 'ok', t('check_' + name)]
  })
}

function answered (r) {
  if (r.answered) return []
  return [['warn', t(r.effect ? 'check_lost' : 'check_dropped')]]
}

// advice is about what went through here and would not, or not so, elsewhere.
function advice (r) {
  const out = []
  const warn = (key, values) => out.push(['warn', t(key, values)])
  const b = r.body
  const classic = r.path.includes('/wxopen/')
  const template = templateOf(b.template_id, r.appid)
  if (classic && r.effect) warn('advice_retired')
  if (b.form_id === 'the formId is a mock one') warn('advice_mock')
  if (/^prepay_id=/.test(b.form_id || '')) warn('advice_prefix')
  if (template) keywords(template, isObject(b.data) ? b.data : {}, b, classic, warn)
  if (!b.page) warn('advice_no_page')
  else if (r.errcode !== 41030) warn('advice_page')
  return out
}

function keywords (template, data, b, classic, warn) {
  const keys = template.keywords.map((k) => k.key)
  const value = (k) => (isObject(data[k]) ? data[k].value : undefined)
  const missing = keys.filter((k) => value(k) === undefined || value(k) === null || value(k) === '')
  const unknown = Object.keys(data).filter((k) => !keys.includes(k))
  const coloured = Object.keys(data).filter((k) => isObject(data[k]) && data[k].color)
  const odd = coloured.filter((k) => !/^#[0-9a-f]{6}$/i.test(data[k].color))
  if (classic && missing.length) warn('advice_missing', { keys: missing.join(', ') })
  if (unknown.length) warn('advice_unknown', { keys: unknown.join(', ') })
  if (classic && odd.length) warn('advice_colour', { keys: odd.join(', ') })
  if (classic && coloured.length > odd.length) warn('advice_colour_gone')
  if (!classic && (coloured.length || b.emphasis_keyword)) warn('advice_plain')
  if (classic && b.emphasis_keyword && !keys.some((k) => k + '.DATA' === b.emphasis_keyword)) warn('advice_emphasis')
}

function tokens (r) {
  return r.path === '/cgi-bin/token' && !r.errcode ? [['warn', t('advice_token')]] : []
}
