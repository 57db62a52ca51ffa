package wechat

import (
	"slices"
	"testing"

	"github.com/wxnotify/wxnotify"
)

// A keyword of the kind enum_string comes with all that it may say.
func TestAnEnumComesWithItsValues(t *testing.T) {
	t.Parallel()
	c := answering(t, 200, `{"errcode":0,"errmsg":"ok","data":[{"priTmplId":"T1","title":"进出站提醒","content":"类型:{{enum_string1.DATA}}\n站点:{{thing2.DATA}}\n","type":3,
		"keywordEnumValueList":[{"keywordCode":"enum_string1.DATA","enumValueList":["进站","出站"]},{"keywordCode":"enum_string9.DATA","enumValueList":["x"]}]}]}`)
	ts, err := c.Templates(t.Context(), "token", wxnotify.ChannelSubscribe)
	if err != nil || len(ts) != 1 || len(ts[0].Keywords) != 2 {
		t.Fatalf("%+v, %v", ts, err)
	}
	if ks := ts[0].Keywords; !slices.Equal(ks[0].Values, []string{"进站", "出站"}) || ks[1].Values != nil {
		t.Errorf("%+v", ks)
	}
}
