// Tells a user that an order was accepted, with nothing but Node (18 or later).
//
//     WXNOTIFY_SERVER=http://127.0.0.1:8080 WXNOTIFY_KEY=… node send.mjs OPENID TEMPLATE ORDER [FORM_ID]
//
// Run it twice for one order: there is one message. FORM_ID is what the mini
// program reported when the user submitted a form; without it, wxnotify takes a
// permit that it has already.

const server = process.env.WXNOTIFY_SERVER ?? 'http://127.0.0.1:8080'

// The server said no: code is for programs, the message for people.
class Refused extends Error {
  constructor (problem) {
    super(problem.detail)
    this.code = problem.code
  }
}

// call makes a call that may be repeated: one that changes nothing, or the same when done twice.
async function call (method, path, body, headers = {}) {
  let failed
  for (let attempt = 0; attempt < 5; attempt++) {
    let wait = 250 * 2 ** attempt
    try {
      const answer = await fetch(server + path, {
        method,
        headers: { authorization: 'Bearer ' + process.env.WXNOTIFY_KEY, 'content-type': 'application/json', ...headers },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(60_000)
      })
      const said = await answer.json()
      if (answer.ok) return said
      failed = new Refused(said)
      if (answer.status !== 429 && answer.status !== 503) break
      wait = 1000 * (answer.headers.get('retry-after') ?? wait / 1000)
    } catch (broken) { // whether it arrived is not known: the Idempotency-Key makes it safe to ask again
      failed = broken
    }
    await new Promise(resolve => setTimeout(resolve, wait))
  }
  throw failed
}

// handIn hands in a permit. The same form_id twice counts once.
async function handIn (openid, formID) {
  const { results: [result] } = await call('POST', '/v1/permits', { permits: [{ touser: openid, source: 'form', code: formID }] })
  if (result.error) throw new Refused(result.error)
}

// notify sends, and waits up to five seconds to see what becomes of it.
function notify (openid, template, order) {
  return call('POST', '/v1/messages?wait_ms=5000', {
    touser: openid,
    template_id: template,
    page: 'pages/order/detail?id=' + order,
    data: { keyword1: '已接单', keyword2: '2017年10月19日 12:31', keyword3: '张一山', keyword4: '136xxxx1720', keyword5: '请手机保持通畅' },
    emphasis_keyword: 'keyword1.DATA',
    meta: { order }
  }, { 'idempotency-key': `order-${order}-accepted` })
}

const [openid, template, order, formID] = process.argv.slice(2)
try {
  if (formID) await handIn(openid, formID)
  const message = await notify(openid, template, order)
  console.log(message.id, message.state, message.reason ?? '')
  process.exitCode = ['failed', 'expired', 'unknown'].includes(message.state) ? 1 : 0
} catch (no) {
  console.error(no instanceof Refused ? `refused: ${no.code}: ${no.message}` : no)
  process.exitCode = 1
}
