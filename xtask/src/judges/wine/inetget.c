/* inetget URL...: fetches each with WinINet, as a program does that takes the
   account's settings, and says the status of each answer. */
#include <stdio.h>
#include <windows.h>
#include <wininet.h>

int wmain(int count, WCHAR **arguments)
{
    HINTERNET session = InternetOpenW(L"inetget", INTERNET_OPEN_TYPE_PRECONFIG, NULL, NULL, 0);
    DWORD flags = INTERNET_FLAG_RELOAD | INTERNET_FLAG_NO_CACHE_WRITE | INTERNET_FLAG_PRAGMA_NOCACHE;
    int index;

    if (!session)
        return 1;
    for (index = 1; index < count; index++) {
        DWORD status = 0, size = sizeof status;
        HINTERNET answer = InternetOpenUrlW(session, arguments[index], NULL, 0, flags, 0);
        if (answer && HttpQueryInfoW(answer, HTTP_QUERY_STATUS_CODE | HTTP_QUERY_FLAG_NUMBER,
                                     &status, &size, NULL))
            printf("%ls %lu\n", arguments[index], status);
        else
            printf("%ls error %lu\n", arguments[index], GetLastError());
        fflush(stdout);
        if (answer)
            InternetCloseHandle(answer);
    }
    InternetCloseHandle(session);
    return 0;
}
