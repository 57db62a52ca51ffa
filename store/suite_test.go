package store_test

import (
	"testing"

	"github.com/wxnotify/wxnotify/store/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Each(t, storetest.Run)
}

func TestContractOfWebhooks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, storetest.RunNotices)
}

func TestContractOfNodes(t *testing.T) {
	t.Parallel()
	storetest.RunNodes(t)
}
