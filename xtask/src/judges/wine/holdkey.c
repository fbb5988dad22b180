/* holdkey KEY any|there|gone: waits for a key of HKEY_USERS, and perhaps in it for
   SavedLegacySettings to be there, or to be gone; then keeps the key open until it is ended. */
#include <stdio.h>
#include <windows.h>

#define CONNECTIONS \
    L"Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\Connections"

static BOOL is_so(HKEY key, const WCHAR *wanted)
{
    LONG error = RegGetValueW(key, CONNECTIONS, L"SavedLegacySettings", RRF_RT_ANY, NULL, NULL, NULL);

    if (!wcscmp(wanted, L"any"))
        return TRUE;
    return error == (wcscmp(wanted, L"there") ? ERROR_FILE_NOT_FOUND : ERROR_SUCCESS);
}

int wmain(int count, WCHAR **arguments)
{
    HKEY key;
    int left = 60 * 1000;

    if (count != 3)
        return 2;
    while (left--) {
        if (!RegOpenKeyExW(HKEY_USERS, arguments[1], 0, KEY_READ, &key)) {
            if (is_so(key, arguments[2])) {
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
