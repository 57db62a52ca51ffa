package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// pair makes a certificate for 127.0.0.1 and its key, as PEM.
func pair(t testing.TB, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func TestACertificateIsRenewedWithoutARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.stop()
	dir := t.TempDir()
	w.conf.TLSCert, w.conf.TLSKey = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name string, text []byte) {
		t.Helper()
		w.must(os.WriteFile(name, text, 0o600))
	}
	cert, key := pair(t, 1)
	write(w.conf.TLSCert, cert)
	write(w.conf.TLSKey, key)
	w.start()
	addr := strings.TrimPrefix(w.url, "http://")
	serial := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		w.must(err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Fatalf("certificate %d is shown", n)
	}
	cert, key = pair(t, 2)
	write(w.conf.TLSCert, cert) // and the key does not fit yet
	w.until("warning of a half-written pair", func() bool {
		if n := serial(); n != 1 {
			t.Fatalf("certificate %d is shown", n)
		}
		return bytes.Contains(w.logs.bytes(), []byte("the old one is shown"))
	})
	write(w.conf.TLSKey, key)
	w.until("new certificate", func() bool { return serial() == 2 })
}

// Whoever sends nothing, or a body that never ends, is sent away.
func TestSlowClientsAreCutOff(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as the server's patience")
	}
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ends := make(chan string, 10)
	slow := map[string]string{
		"no header at all":       "",
		"a header without end":   "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"a body that stops half": "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + storyKey + "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
		"a body without a key":   "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"a gateway's half body":  "POST /cgi-bin/stable_token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"a callback's half body": "POST /wechat/" + sandbox.FirstAppID + "?signature=x&timestamp=1&nonce=x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
	}
	for what, text := range slow {
		go func() {
			conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", strings.TrimPrefix(w.url, "http://"))
			if err != nil {
				ends <- what + ": " + err.Error()
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(40 * time.Second))
			_, _ = conn.Write([]byte(text))
			if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "i/o timeout") {
				ends <- what + " is borne for 40 seconds"
				return
			}
			ends <- ""
		}()
	}
	for range slow {
		if problem := <-ends; problem != "" {
			t.Error(problem)
		}
	}
	for _, err := range w.Messages(w.ctx(), client.MessageFilter{}) {
		w.must(err)
		t.Error("half a body became a message")
	}
}
