/* holdkey KEY there|gone: waits for a key of HKEY_USERS, and in it for SavedLegacySettings
   to be there, or to be gone; then keeps the key open until it is ended. */
#include <stdio.h>
#include <windows.h>

#define CONNECTIONS \
    L"Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\Connections"

static BOOL is_so(HKEY key, BOOL there)
{
    LONG error = RegGetValueW(key, CONNECTIONS, L"SavedLegacySettings", RRF_RT_ANY, NULL, NULL, NULL);

    return there ? error == ERROR_SUCCESS : error == ERROR_FILE_NOT_FOUND;
}

int wmain(int count, WCHAR **arguments)
{
    HKEY key;
    int left = 60 * 1000;
    BOOL there;

    if (count != 3)
        return 2;
    there = !wcscmp(arguments[2], L"there");
    while (left--) {
        if (!RegOpenKeyExW(HKEY_USERS, arguments[1], 0, KEY_READ, &key)) {
            if (is_so(key, there)) {
                printf("held\n");
                fflush(stdout);
                Sleep(60 * 1000);
                return 0;
            }
            RegCloseKey(key);
        }
        Sleep(1);
    }
    return 1;
}
