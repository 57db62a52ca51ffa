'use strict'
// The search box is left out: its index is built by a worker from a blob: URL, which the page's policy forbids.
window.Redoc.init('/openapi.json', {
  disableSearch: true,
  hideDownloadButton: true,
  requiredPropsFirst: true,
  expandResponses: '200,201,202',
  sortPropsAlphabetically: false,
  theme: {
    colors: { primary: { main: '#07823f' } },
    typography: {
      fontFamily: 'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", sans-serif',
      headings: { fontFamily: 'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", sans-serif' },
      code: { fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace' }
    }
  }
}, document.getElementById('docs'))
