/* holdkey KEY: waits for a key of HKEY_USERS, and keeps it open until it is ended. */
#include <stdio.h>
#include <windows.h>

int wmain(int count, WCHAR **arguments)
{
    HKEY key;
    int left = 60 * 1000;

    if (count != 2)
        return 2;
    while (RegOpenKeyExW(HKEY_USERS, arguments[1], 0, KEY_READ, &key)) {
        if (!left--)
            return 1;
        Sleep(1);
    }
    printf("held\n");
    fflush(stdout);
    Sleep(60 * 1000);
    return 0;
}
