package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
)

// The first world. These ids are the same every time, so that documents, tests
// and shell histories can name them.
const (
	FirstAppID = "wx7f3c9a1e5b2d8046"

	ClassicTemplate  = "pQ3vXk8ZtL1mRw6YcN0sHd5JbF2gUa9EoTi7VxKqAzM" // 接单通知, keyword1–keyword5
	OnceTemplate     = "Kd7RzW2nQx9TfLb4YhVc1MsJp6GaUe0XiNo8BtEw3Zk" // 接单通知, one-time
	DeliveryTemplate = "Bw5HtNc8EjXr2PzLq0KdVy6FmSa3UgTi9OoRk1WbYxQ" // 订单送达提醒, one-time
	LongtermTemplate = "Vn1GsYm4UpBd7XcKf9RtLj2WqHa6EzTi0OoNw8PbQxU" // 到站提醒, long-term

	FirstUser  = "oW1xTn4KpQ8sVbZ2dHf6JmYcRa0E"
	SecondUser = "oW1xTnB7uGk3XeLq9NzTs5PiVw2M"
	ThirdUser  = "oW1xTnE0yDh6RjCa4UbFo8KvMx1Q"
)

// FirstSecret is the secret of the first app. It is derived and not written
// down, so that scanners for secrets do not stumble over it.
var FirstSecret = hex.EncodeToString(secretSeed[:16])

var secretSeed = sha256.Sum256([]byte("wxnotify sandbox, first app"))

func (w *world) seed() {
	a := w.addApp(FirstAppID, FirstSecret)
	a.addUser(FirstUser, "李小红")
	a.addUser(SecondUser, "王建国")
	a.addUser(ThirdUser, "陈静")

	a.addTemplate(&template{id: ClassicTemplate, channel: channelTemplate, title: "接单通知", keywords: []Keyword{
		{Key: "keyword1", Name: "状态"}, {Key: "keyword2", Name: "时间"}, {Key: "keyword3", Name: "骑手"}, {Key: "keyword4", Name: "电话"}, {Key: "keyword5", Name: "备注"}},
		examples: []string{"已接单", "2017年10月19日 12:31", "张一山", "136xxxx1720", "请手机保持通畅"}})
	a.addTemplate(&template{id: OnceTemplate, channel: channelSubscribe, kind: kindOnce, title: "接单通知", keywords: []Keyword{
		{Key: "phrase1", Name: "状态"}, {Key: "time2", Name: "时间"}, {Key: "name3", Name: "骑手"}, {Key: "phone_number4", Name: "电话"}, {Key: "thing5", Name: "备注"}}})
	a.addTemplate(&template{id: DeliveryTemplate, channel: channelSubscribe, kind: kindOnce, title: "订单送达提醒", keywords: []Keyword{
		{Key: "character_string1", Name: "订单编号"}, {Key: "time2", Name: "送达时间"}, {Key: "thing3", Name: "温馨提示"}}})
	a.addTemplate(&template{id: LongtermTemplate, channel: channelSubscribe, kind: kindLongterm, title: "到站提醒", keywords: []Keyword{
		{Key: "thing1", Name: "线路"}, {Key: "time2", Name: "到站时间"}, {Key: "thing3", Name: "站点"}}})
}

func (w *world) addApp(id, secret string) *app {
	a := &app{
		id: id, secret: secret, era: eraClassic,
		byOpenid:   map[string]*user{},
		byTemplate: map[string]*template{},
		quotas:     map[string]*quota{},
	}
	for _, q := range quotaTable {
		a.quotas[q.endpoint] = &quota{limit: q.limit}
	}
	w.apps = append(w.apps, a)
	w.byID[id] = a
	return a
}

func (a *app) addUser(openid, nickname string) {
	u := &user{openid: openid, nickname: nickname, consents: map[string]*consent{}}
	a.users = append(a.users, u)
	a.byOpenid[openid] = u
}

func (a *app) addTemplate(t *template) {
	a.templates = append(a.templates, t)
	a.byTemplate[t.id] = t
}
