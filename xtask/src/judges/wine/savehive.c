/* savehive KEY FILE [unload]: saves a key of HKEY_USERS as a hive, and lets go of it, as
   of one that was loaded. */
#include <stdio.h>
#include <windows.h>

static BOOL enable(HANDLE token, const WCHAR *privilege)
{
    TOKEN_PRIVILEGES wanted = {1};

    wanted.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    return LookupPrivilegeValueW(NULL, privilege, &wanted.Privileges[0].Luid)
        && AdjustTokenPrivileges(token, FALSE, &wanted, 0, NULL, NULL);
}

int wmain(int count, WCHAR **arguments)
{
    HANDLE token;
    HKEY key;
    LONG error;

    if (count < 3)
        return 2;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token)
        || !enable(token, SE_BACKUP_NAME) || !enable(token, SE_RESTORE_NAME))
        return 1;
    error = RegOpenKeyExW(HKEY_USERS, arguments[1], 0, KEY_READ, &key);
    if (!error) {
        DeleteFileW(arguments[2]);
        error = RegSaveKeyW(key, arguments[2], NULL);
        RegCloseKey(key);
    }
    if (!error && count == 4)
        error = RegUnLoadKeyW(HKEY_USERS, arguments[1]);
    if (error)
        printf("error %ld\n", error);
    return error != 0;
}
