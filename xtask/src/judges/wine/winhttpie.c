/* Says what WinHttpGetIEProxyConfigForCurrentUser reads: a line each. */
#include <stdio.h>
#include <windows.h>
#include <winhttp.h>

static const WCHAR *text(const WCHAR *value)
{
    return value ? value : L"";
}

int main(void)
{
    WINHTTP_CURRENT_USER_IE_PROXY_CONFIG config;

    if (!WinHttpGetIEProxyConfigForCurrentUser(&config)) {
        printf("error %lu\n", GetLastError());
        return 1;
    }
    printf("auto-detect %d\n", config.fAutoDetect ? 1 : 0);
    printf("script %ls\n", text(config.lpszAutoConfigUrl));
    printf("proxy %ls\n", text(config.lpszProxy));
    printf("list %ls\n", text(config.lpszProxyBypass));
    return 0;
}
