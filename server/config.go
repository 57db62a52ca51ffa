// Package server is the assembly: it holds the settings, makes every room with
// what it needs, serves their doors and stops them in order.
//
// Nothing is decided here. What moves is decided in the root package and done
// by the engines; this package only says which of them there are.
package server

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Config holds the settings. This struct is their table: name, default (and
// the one in demo, where it differs), the commands that heed it, and what it
// means in English and Chinese. Flags, environment, configuration file and the
// manual's table are drawn from it, so a new setting is one more line.
//
// Fields of type Secret are accepted as NAME_FILE as well. A zero field means
// the default (see Defaults), so that a setting works when it is absent.
type Config struct {
	Listen          string          `name:"listen" default:":8080" demo:"127.0.0.1:8080" placeholder:"ADDR" for:"serve demo" help:"Address of API, gateway, callbacks and console." zh:"API、网关、回调与控制台的监听地址"`
	SandboxListen   string          `name:"sandbox-listen" default:"127.0.0.1:8081" placeholder:"ADDR" for:"sandbox demo" help:"Address of the sandbox, WeChat's simulator." zh:"沙箱（微信模拟器）的监听地址"`
	SandboxPublic   bool            `name:"sandbox-public" for:"sandbox demo" help:"Let the sandbox listen on an address that others can reach, and answer to any host name. It has no passwords." zh:"允许沙箱监听外部可达的地址，并响应任意主机名；沙箱没有任何密码保护"`
	Database        wxnotify.Secret `name:"database" default:"sqlite:wxnotify.db" placeholder:"DSN" for:"serve migrate app key backup restore" help:"sqlite:PATH, or postgres://… with one or several hosts." zh:"sqlite:路径，或 postgres://…（可写多个主机）"`
	WeChatURL       string          `name:"wechat-url" default:"https://api.weixin.qq.com" placeholder:"URL" for:"serve" help:"Where WeChat is: a sandbox, a proxy, a regional host." zh:"微信接口的地址：沙箱、代理或就近接入的域名"`
	ClockURL        string          `name:"clock-url" placeholder:"URL" for:"serve" help:"Follow the virtual clock of the sandbox at this address; only with a wechat_url that is not WeChat's." zh:"跟随该地址上沙箱的虚拟时钟；仅当 wechat_url 不是微信官方地址时可用"`
	TokenURL        wxnotify.Secret `name:"token-url" placeholder:"URL" for:"serve" help:"Take access_tokens from this token server instead of fetching them from WeChat; {appid} in it stands for the app. Its answer is JSON." zh:"从已有的中控服务器获取 access_token，而不向微信获取；其中的 {appid} 会替换为小程序的 appid，应答须为 JSON"`
	TokenPath       string          `name:"token-path" default:"access_token" placeholder:"PATH" for:"serve" help:"Where the token is in the answer of token_url, such as data.access_token. An expires_in beside it counts, in seconds." zh:"token_url 应答中 token 的位置，例如 data.access_token；同级的 expires_in（秒）也会被采用"`
	APIKey          wxnotify.Secret `name:"api-key" placeholder:"KEY" for:"serve demo" help:"A ready-made key with all scopes, 16 to 255 visible characters: for containers and tests." zh:"预置的全权限密钥，16–255 个可见字符，供容器与测试使用"`
	AppID           string          `name:"appid" placeholder:"APPID" for:"serve" help:"Register this app at start if it is not known." zh:"启动时若尚未注册，则注册该小程序"`
	AppSecret       wxnotify.Secret `name:"appsecret" placeholder:"SECRET" for:"serve" help:"The secret of appid." zh:"该小程序的 AppSecret"`
	MasterKey       wxnotify.Secret `name:"master-key" placeholder:"KEY" for:"serve app key restore" help:"Encrypts secrets at rest: 64 hex digits, or base64 of 32 bytes. Left out, a file beside the SQLite database, made on first start; PostgreSQL needs it, the same on every node." zh:"静态加密主密钥：64 位十六进制或 32 字节的 base64。SQLite 省略时使用数据库旁的密钥文件（首次启动时生成，权限 0600）；PostgreSQL 必须设置，且各节点一致"`
	Node            string          `name:"node" placeholder:"NAME" for:"serve" help:"This node's name, hostname:port if left out. A second holder of a name gets a suffix and says so." zh:"节点名，省略时为 主机名:端口；重名时后来者自动加后缀并给出提示"`
	LogLevel        slog.Level      `name:"log-level" default:"info" placeholder:"LEVEL" for:"serve sandbox demo" help:"debug, info, warn or error." zh:"日志级别：debug、info、warn、error"`
	PublicURL       string          `name:"public-url" placeholder:"URL" for:"serve demo" help:"The address under which others reach this server, for links and for WeChat's callback." zh:"外部访问本服务的地址，用于生成链接与微信回调地址"`
	TrustedProxies  []netip.Prefix  `name:"trusted-proxies" placeholder:"CIDR" for:"serve demo" help:"Proxies whose X-Forwarded-For is believed." zh:"受信任的反向代理网段，其 X-Forwarded-For 会被采信"`
	TLSCert         string          `name:"tls-cert" placeholder:"FILE" for:"serve" help:"Serve https with this certificate chain (PEM)." zh:"启用 https 所用的证书链文件（PEM）"`
	TLSKey          string          `name:"tls-key" placeholder:"FILE" for:"serve" help:"The private key of tls_cert (PEM)." zh:"tls_cert 对应的私钥文件（PEM）"`
	MetricsListen   string          `name:"metrics-listen" placeholder:"ADDR" for:"serve demo" help:"Serve /metrics at an address of its own, without a key. Left out, it is at listen and needs scope read." zh:"/metrics 的独立监听地址（无需密钥）；省略时位于 listen，需要 read 权限"`
	DrainDelay      time.Duration   `name:"drain-delay" default:"0s" placeholder:"TIME" for:"serve" help:"How long /readyz fails before a stop begins, for load balancers to notice." zh:"停止前 /readyz 先行报告未就绪的时长，供负载均衡摘除节点"`
	Retention       time.Duration   `name:"retention" default:"7d" placeholder:"TIME" for:"serve demo" help:"How long the content of a message is kept once it is at rest." zh:"消息终结后其内容的保留时长"`
	MaxBacklog      int             `name:"max-backlog" default:"2000000" placeholder:"N" for:"serve demo" help:"Messages of one app that may be under way (not at rest); beyond that new ones are refused with backlog_full, until some have gone." zh:"单个小程序允许积压（尚未终结）的消息数；超过后新消息以 backlog_full 拒绝，直至积压减少"`
	PermitRetention time.Duration   `name:"permit-retention" default:"90d" placeholder:"TIME" for:"serve demo" help:"How long a spent or dead permit, with the hash of its code, stays known after it was handed in; at least 8d, and until the message that it was for is gone." zh:"已用掉或已失效的授权（含 form_id 等的哈希）自入账起的保留时长，至少 8d；所属消息尚在时不会清除"`
	WebhookAllow    []netip.Prefix  `name:"webhook-allow" placeholder:"CIDR" for:"serve demo" help:"Ranges in which webhooks may be plain http or private addresses." zh:"允许 webhook 使用 http 或私有地址的网段"`
	Data            string          `name:"data" default:"./wxnotify-demo" placeholder:"DIR" for:"demo" help:"Folder in which the demo keeps its files." zh:"演示的数据目录"`
}

// WeChat is the address of the real WeChat.
const WeChat = "https://api.weixin.qq.com"
