package api

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/time/rate"

	"github.com/wxnotify/wxnotify"
)

// attacks is what somebody may try, and the test that tries it: file, and name
// of a function or of a case.
var attacks = map[string][2]string{
	"say in the body who the user is":                         {"mini_test.go", "TestTheOpenIDComesFromTheSession"},
	"use a login code again":                                  {"mini_test.go", "TestACodeLogsInOnce"},
	"go on with a session after its seven days":               {"mini_test.go", "TestACodeLogsInOnce"},
	"go on with a session of an erased person":                {"erase_test.go", "TestAPersonCanBeForgottenAndComeBack"},
	"hand in form_ids without end":                            {"mini_test.go", "TestAFloodOfFormIDsIsDammed"},
	"hand in somebody else's form_id":                         {"mini_test.go", "TestUploadedItemsStandAlone"},
	"report a payment from the mini program":                  {"mini_test.go", "TestUploadedItemsStandAlone"},
	"hide behind X-Forwarded-For":                             {"mini_test.go", "TestAnAddressBehindAProxy"},
	"flood an app from many addresses":                        {"attacks_test.go", "TestAllUsersOfAnAppShareALimit"},
	"do what the key's scopes do not allow":                   {"keys_test.go", "TestEveryRouteWantsItsScope"},
	"look at another app with a bound key":                    {"keys_test.go", "TestAKeyOfOneAppSeesNoOther"},
	"learn what others have from how they are refused":        {"keys_test.go", "TestForeignLooksAbsentToEveryCall"},
	"go on with a key that expired or was revoked":            {"keys_test.go", "TestKeysEnd"},
	"go on with a revoked key on another node":                {"nodes_test.go", "TestARevokedKeyEndsOnAllNodes"},
	"go over the rate of a key":                               {"keys_test.go", "TestRateOfAKey"},
	"guess keys":                                              {"../key_test.go", "TestKeyTextIsKnownByItsChecksum"},
	"change something without a trace":                        {"audit_test.go", "TestEveryAdminChangeIsInTheAuditLog"},
	"send anything that is no good request":                   {"hostile_test.go", "TestBadInputGetsAClearAnswer"},
	"send markup, SQL or templates as a value":                {"hostile_test.go", "TestMarkupIsLegal"},
	"send slowly, or half":                                    {"../server/wire_test.go", "TestSlowClientsAreCutOff"},
	"forge a push, or change it":                              {"../gateway/callback_test.go", "TestAForgedPushIsRefusedWithNothing"},
	"send a push again":                                       {"../server/stories_subscribe_test.go", "TestReplayedAndForgedEventsChangeNothing"},
	"tamper with ciphertext, padding or appid":                {"../wechat/crypto_test.go", "TestWhatIsNotSealedForUsIsRefused"},
	"redirect the server to a place that logs tokens":         {"../wechat/fault_test.go", "TestRedirectsAreNotFollowed"},
	"show the server another certificate":                     {"../wechat/fault_test.go", "TestNothingSent"},
	"forge a gateway token":                                   {"../gateway/mint_test.go", "TestNobodyElseMakesATokenOrAltersOne"},
	"read a copy of the database":                             {"../store/storetest/secrets.go", "no secret, content or code is in the bytes of the database"},
	"move a sealed value to another row":                      {"../store/storetest/secrets.go", "what was moved to another row does not open"},
	"open the database with another master key":               {"../store/store_test.go", "TestAnotherMasterKeyIsRefused"},
	"open it with a master key that was replaced":             {"../store/rotate_test.go", "TestANewMasterKeyOpensWhatTheOldOneDid"},
	"read secrets or persons in logs and answers":             {"../server/canary_test.go", "TestNoCanaryIsFound"},
	"read contents after the retention time":                  {"../store/storetest/retains.go", "contents go when the retention time is over, and the rest 90 days later"},
	"find an erased person":                                   {"../store/storetest/erasures.go", "an erased person leaves a pseudonym, and what was decided"},
	"spend again what was spent before the person was erased": {"../store/storetest/erasures.go", "nothing spent comes in again, and the person may begin anew"},
	"go round the limit of an address with a port":            {"../dam/dam_test.go", "TestAnAddressIsThatOfTheNearestStranger"},
	"wash a limit away with ever other names":                 {"../dam/dam_test.go", "TestAMeterForgetsOnlyWhatIsFull"},
	"guess a password of the console":                         {"../console/consoletest/gate_test.go", "TestLoginIsThrottled"},
	"wash the tries at passwords away":                        {"../console/throttle_test.go", "TestTheThrottleIsNotWashedAway"},
	"use the set-up link again, or another one":               {"../console/consoletest/gate_test.go", "TestTheSetUpLinkMakesTheFirstUserOnce"},
	"read passwords in a copy of the database":                {"../console/console_test.go", "TestPasswords"},
	"take a cookie of the console, or plant one":              {"../console/consoletest/gate_test.go", "TestTheCookieIsForTheConsoleAlone"},
	"press the console's buttons from another site":           {"../console/consoletest/gate_test.go", "TestButtonsOfOtherPagesDoNothing"},
	"lead somebody from the login to another site":            {"../console/consoletest/gate_test.go", "TestLoginAndLogout"},
	"do in the console what one's role does not allow":        {"../console/consoletest/gate_test.go", "TestRoles"},
	"run a script in a page, or frame the page":               {"../console/consoletest/gate_test.go", "TestEveryPageKeepsItsPolicy"},
	"hide a script in the pages' own text":                    {"../console/console_test.go", "TestPagesHoldNothingInline"},
	"have a webhook post to addresses inside":                 {"../hook/guard_test.go", "TestWhichAddressesAWebhookMayHave"},
	"turn a webhook's name inside after it was looked at":     {"../hook/post_test.go", "TestARebindingNameIsBlocked"},
	"redirect a webhook":                                      {"../hook/post_test.go", "TestEveryWayToFail"},
	"redirect the clock":                                      {"../server/clock_test.go", "TestClockFollowsNoRedirect"},
	"fill the disk with messages":                             {"../outbox/backlog_test.go", "TestABacklogHasABound"},
	"send something that no parser expects":                   {"door_fuzz_test.go", "FuzzDoor"},
	"read a secret that a log line prints":                    {"../draft_test.go", "TestSecretsPrintAsNothing"},
	"alter a cursor, or use it with another filter":           {"../store/storetest/audits.go", "the audit log lists its lines newest first, page by page and filtered"},
}

func TestEveryAttackHasItsTest(t *testing.T) {
	t.Parallel()
	for attack, at := range attacks {
		source, err := os.ReadFile(at[0])
		if err != nil {
			t.Errorf("%s: %v", attack, err)
			continue
		}
		if !strings.Contains(string(source), "func "+at[1]+"(") && !strings.Contains(string(source), `"`+at[1]+`": func(`) {
			t.Errorf("%s: there is no %s in %s", attack, at[1], at[0])
		}
	}
}

func TestAllUsersOfAnAppShareALimit(t *testing.T) {
	t.Parallel()
	f := newFlood()
	var err error
	n := 0
	for ; err == nil && n < 10*appBurst; n++ {
		err = f.app("wx0000000000000001")
	}
	if wxnotify.CodeOf(err) != wxnotify.RateLimited || n < appBurst || rate.Limit(n) > 2*appBurst {
		t.Errorf("after %d requests: %v", n, err)
	}
	if err := f.app("wx0000000000000002"); err != nil {
		t.Errorf("another app: %v", err)
	}
}
