// Calls to the sandbox. Everything the page does goes through here, and
// everything here is public: what a button does, a script can do.

import { parse } from './exact.js'

// A Refusal is an answer that says no, in the sandbox's or the server's words.
class Refusal extends Error {
  constructor (status, body, text) {
    super(text)
    this.status = status
    this.body = body
  }
}

// ask makes a call and returns the answer's JSON.
export async function ask (method, path, body, headers) {
  const answer = await fetch(path, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body)
  })
  const text = await answer.text()
  let json = null
  try { json = parse(text) } catch {}
  if (!answer.ok || json === null) throw new Refusal(answer.status, json, reason(answer, json))
  return json
}

function reason (answer, json) {
  if (!json) return 'HTTP ' + answer.status
  const first = json.errors && json.errors[0]
  return json.error || (first ? first.field + ': ' + first.detail : json.detail || json.title) || 'HTTP ' + answer.status
}

export const get = (path) => ask('GET', path)
export const post = (path, body = {}) => ask('POST', path, body)
export const remove = (path) => ask('DELETE', path)
export const query = (values) => '?' + new URLSearchParams(values)
