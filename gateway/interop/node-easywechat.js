'use strict';

// Runs an errand with node-easywechat: see interop_test.go.
const assert = require('node:assert');
const { MiniApp } = require('node-easywechat');

async function main() {
  const errand = JSON.parse(process.env.ERRAND);
  const app = new MiniApp({ app_id: errand.appid, secret: errand.secret, use_stable_access_token: true, http: { baseURL: errand.url } });

  const session = await app.getUtils().codeToSession(errand.code);
  assert.equal(session.openid, errand.openid);

  const client = app.getClient();
  const sent = await client.post('cgi-bin/message/wxopen/template/send', {
    json: { touser: errand.openid, template_id: errand.template, form_id: errand.form_id, data: { keyword1: { value: '已接单' } } },
  });
  assert.equal(sent.toObject().errcode, 0);

  const subscribed = await client.post('cgi-bin/message/subscribe/send', {
    json: {
      touser: errand.openid, template_id: errand.subscribe, page: 'pages/index',
      data: { character_string1: { value: '1' }, time2: { value: '12:31' }, thing3: { value: '请当面签收' } },
    },
  });
  assert.equal(subscribed.toObject().errcode, 0);

  const list = (await client.get('wxaapi/newtmpl/gettemplate')).toObject();
  assert.ok(list.data.some((t) => t.priTmplId === errand.subscribe));
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
