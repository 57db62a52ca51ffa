package metrics

import "slices"

// A Metric is one line of the table of all metrics. docs/metrics.md is drawn
// from it, and nothing is exported that does not stand here.
type Metric struct {
	Name, Type string
	Labels     []string
	En, Zh     string
}

const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// Table holds every metric of ours. Beside them are those of the Go runtime
// (go_…) and of the process (process_…).
var Table = []Metric{
	{"wxnotify_build_info", gauge, []string{"version", "node"}, "1, for the version and the name of this node.", "恒为 1，标签为版本与节点名"},
	{"wxnotify_messages_accepted_total", counter, []string{"app"}, "Messages that this node accepted.", "本节点受理的消息数"},
	{"wxnotify_messages_total", counter, []string{"app", "state", "reason"}, "Messages that came to rest, as this node wrote it: state sent, delivered, failed, expired, canceled or unknown. One that is delivered was counted as sent before.", "由本节点写入终态的消息数，按状态与原因；送达的消息此前已计入 sent"},
	{"wxnotify_message_latency_seconds", histogram, []string{"app"}, "From accept, or from send_at where that is later, to WeChat's errcode 0. Its sum is an estimate from the middles of the buckets.", "从受理（或 send_at，取较晚者）到微信返回 0 的耗时；_sum 按各桶中值估算"},
	{"wxnotify_permits_total", counter, []string{"app", "source", "event", "cause"}, "Permits by what happened to them: event created, used or dead (with its cause), as this node wrote it.", "授权的变化：created、used、dead（含原因），以本节点写入为准"},
	{"wxnotify_wechat_requests_total", counter, []string{"app", "endpoint", "errcode"}, "Calls to WeChat. errcode is WeChat's, other for one that is not in the table of errcodes, lost or not_sent where there was no answer, passed for a call of the gateway's that was handed on. app is empty for calls that concern no message, token or login.", "对微信的调用数；errcode 为微信返回码，不在错误码表中的记为 other，无应答的记为 lost 或 not_sent，网关透传的记为 passed；与消息、token、登录无关的调用 app 为空"},
	{"wxnotify_wechat_request_seconds", histogram, []string{"app", "endpoint"}, "How long calls to WeChat took.", "对微信调用的耗时"},
	{"wxnotify_token_contention_total", counter, []string{"app"}, "How often it was noticed that somebody else fetches the app's access_token.", "发现他人争抢该小程序 access_token 的次数"},
	{"wxnotify_queue_messages", gauge, []string{"app", "state"}, "Messages that are not at rest, in the whole cluster. State sending is what is leased.", "未到终态的消息数（全集群），sending 为租约中的"},
	{"wxnotify_queue_oldest_seconds", gauge, []string{"app", "state"}, "Since when the oldest of them has been accepted.", "其中最早一条自受理至今的时长"},
	{"wxnotify_queue_overdue_seconds", gauge, []string{"app", "state"}, "For how long the first of those in queued has been due; of sending: for how long a lease has been over. 0: nothing is overdue.", "queued 中最早到期者已逾期多久；sending 为租约已过期多久；0 表示没有逾期"},
	{"wxnotify_permits_free", gauge, []string{"app", "source", "days"}, "Free permits by the days that they have left: 0 ends today in UTC+8, none has no deadline.", "可用授权数，按剩余天数：0 为今天（UTC+8）到期，none 为无期限"},
	{"wxnotify_users_reachable", gauge, []string{"app"}, "Users who hold a permit that can still be used, free or reserved. Counted now and then.", "仍持有可用授权（含已预留）的用户数，定期统计"},
	{"wxnotify_token_expires_seconds", gauge, []string{"app"}, "How long the app's access_token is still good, on the virtual clock. Left out while there is none.", "access_token 的剩余有效时间（虚拟时钟）；没有 token 时不输出"},
	{"wxnotify_token_generation", gauge, []string{"app"}, "Number of the renewal that brought the token.", "当前 token 的续期序号"},
	{"wxnotify_app_paused", gauge, []string{"app", "scope"}, "1 for each part of an app that is paused: all, template, subscribe, form, payment or template_id (the number of paused templates).", "小程序被暂停的部分：all、template、subscribe、form、payment 各为 1；template_id 为被暂停的模板数"},
	{"wxnotify_webhook_pending", gauge, []string{"app"}, "Deliveries that have not succeeded yet, to webhooks that are on.", "尚未成功的 webhook 投递数，不含已停用的 webhook"},
	{"wxnotify_webhook_oldest_seconds", gauge, []string{"app"}, "Age of the oldest of them.", "其中最早一条的时长"},
	{"wxnotify_database_up", gauge, nil, "1 if the database answers within 2 s. What is read from it is missing here when it does not, or when reading takes longer.", "数据库 2 秒内有应答为 1；没有应答或读取超过 2 秒时，本页缺少取自数据库的指标"},
	{"wxnotify_database_connections", gauge, []string{"pool", "state"}, "Open connections of this node: in_use or idle.", "本节点的数据库连接数：in_use 或 idle"},
	{"wxnotify_database_waits_total", counter, []string{"pool"}, "How often a connection had to be waited for.", "等待数据库连接的次数"},
	{"wxnotify_database_wait_seconds_total", counter, []string{"pool"}, "For how long.", "等待数据库连接的总时长"},
}

// find is a line of the table; a name that is not there is a bug.
func find(name string) Metric {
	i := slices.IndexFunc(Table, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		panic("metrics: no line for " + name)
	}
	return Table[i]
}
