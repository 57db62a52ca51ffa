package sandbox

import "strconv"

// What an app can choose its templates from. The real libraries have thousands
// of entries; these are enough to try every call with.

// classicLibrary is the library of template messages.
var classicLibrary = []struct {
	id, title string
	keywords  []libraryKeyword
}{
	{"AT0002", "接单通知", []libraryKeyword{{1, "状态", "已接单"}, {2, "时间", "2017年10月19日 12:31"}, {3, "骑手", "张一山"}, {4, "电话", "136xxxx1720"}, {5, "备注", "请手机保持通畅"}, {6, "门店", "建国路店"}}},
	{"AT0009", "订单支付成功通知", []libraryKeyword{{1, "商品名称", "牛肉面（大）"}, {2, "支付金额", "28.50元"}, {3, "支付时间", "2017年10月19日 12:28"}, {4, "订单编号", "1019"}}},
	{"AT0036", "订单取消通知", []libraryKeyword{{1, "订单编号", "1019"}, {2, "取消原因", "商家已打烊"}, {3, "取消时间", "2017年10月19日 12:40"}}},
	{"AT0177", "预约成功通知", []libraryKeyword{{1, "预约时间", "2017年10月20日 18:00"}, {2, "预约人", "李小红"}, {3, "预约地点", "建国路店"}, {4, "人数", "4"}}},
	{"AT0210", "退款通知", []libraryKeyword{{1, "退款金额", "28.50元"}, {2, "退款原因", "订单取消"}, {3, "到账时间", "2017年10月20日 12:00"}}},
}

type libraryKeyword struct {
	ID      int    `json:"keyword_id"`
	Name    string `json:"name"`
	Example string `json:"example"`
}

// categories are the app's own, as its console would list them.
var categories = []struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}{{616, "餐饮/外卖平台"}, {612, "交通服务/公交"}}

// publicLibrary is the library of subscribe messages.
var publicLibrary = []struct {
	tid, category int
	kind, title   string
	keywords      []publicKeyword
}{
	{484, 616, kindOnce, "接单通知", []publicKeyword{{1, "状态", "已接单", "phrase"}, {2, "时间", "2019年10月19日 12:31", "time"}, {3, "骑手", "张一山", "name"}, {4, "电话", "13600001720", "phone_number"}, {5, "备注", "请手机保持通畅", "thing"}}},
	{1128, 616, kindOnce, "订单送达提醒", []publicKeyword{{1, "订单编号", "A-1019", "character_string"}, {2, "送达时间", "2019年10月19日 13:02", "time"}, {3, "温馨提示", "请及时取餐", "thing"}, {4, "订单金额", "¥28.50", "amount"}}},
	{1450, 616, kindOnce, "退款通知", []publicKeyword{{1, "退款金额", "¥28.50", "amount"}, {2, "退款原因", "订单取消", "thing"}, {3, "到账日期", "2019年10月20日", "date"}}},
	{3071, 612, kindLongterm, "到站提醒", []publicKeyword{{1, "线路", "地铁1号线", "thing"}, {2, "到站时间", "2019年10月19日 13:02", "time"}, {3, "站点", "建国门", "thing"}, {4, "剩余站数", "2", "number"}}},
	{3072, 612, kindLongterm, "进出站提醒", []publicKeyword{{1, "类型", "进站", "enum_string"}, {2, "站点", "建国门", "thing"}, {3, "时间", "2019年10月19日 13:02", "time"}}},
}

// enumValues are all that an enum_string of publicLibrary may say, by tid and key.
var enumValues = map[int]map[string][]string{
	3072: {"enum_string1": {"进站", "出站"}},
}

type publicKeyword struct {
	ID      int    `json:"kid"`
	Name    string `json:"name"`
	Example string `json:"example"`
	Rule    string `json:"rule"`
}

// key is what the keyword is called in data.
func (k publicKeyword) key() string { return k.Rule + strconv.Itoa(k.ID) }

// typeOf is WeChat's number for a kind of subscribe template.
func typeOf(kind string) int {
	if kind == kindLongterm {
		return 3
	}
	return 2
}
