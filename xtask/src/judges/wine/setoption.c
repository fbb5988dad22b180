/* setoption PROXY LIST [FLAGS SCRIPT]: writes the current user's settings by
   WinINet itself. */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
#include <wininet.h>

int wmain(int count, WCHAR **arguments)
{
    INTERNET_PER_CONN_OPTIONW options[4];
    INTERNET_PER_CONN_OPTION_LISTW list = {sizeof list, NULL, 3, 0, options};

    if (count != 3 && count != 5)
        return 2;
    options[0].dwOption = INTERNET_PER_CONN_FLAGS;
    options[0].Value.dwValue = PROXY_TYPE_DIRECT | PROXY_TYPE_PROXY;
    options[1].dwOption = INTERNET_PER_CONN_PROXY_SERVER;
    options[1].Value.pszValue = arguments[1];
    options[2].dwOption = INTERNET_PER_CONN_PROXY_BYPASS;
    options[2].Value.pszValue = arguments[2];
    if (count == 5) {
        list.dwOptionCount = 4;
        options[0].Value.dwValue = _wtoi(arguments[3]);
        options[3].dwOption = INTERNET_PER_CONN_AUTOCONFIG_URL;
        options[3].Value.pszValue = arguments[4];
    }
    if (!InternetSetOptionW(NULL, INTERNET_OPTION_PER_CONNECTION_OPTION, &list, sizeof list)) {
        printf("error %lu\n", GetLastError());
        return 1;
    }
    return 0;
}
