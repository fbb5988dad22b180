/* link FROM TO: makes the key FROM another name of the key TO, both below
   HKEY_USERS. link FROM -: takes that name away again. */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

typedef LONG (WINAPI *delete_key)(HANDLE);

int wmain(int count, WCHAR **arguments)
{
    WCHAR target[1024];
    HKEY key;
    LONG error;

    if (count != 3)
        return 2;
    if (wcscmp(arguments[2], L"-") == 0) {
        delete_key NtDeleteKey =
            (delete_key)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtDeleteKey");
        error = RegOpenKeyExW(HKEY_USERS, arguments[1], REG_OPTION_OPEN_LINK, DELETE, &key);
        if (!error)
            error = NtDeleteKey(key);
    } else {
        swprintf(target, 1024, L"\\Registry\\User\\%ls", arguments[2]);
        error = RegCreateKeyExW(HKEY_USERS, arguments[1], 0, NULL,
                                REG_OPTION_CREATE_LINK | REG_OPTION_VOLATILE,
                                KEY_WRITE | KEY_CREATE_LINK, NULL, &key, NULL);
        if (!error)
            error = RegSetValueExW(key, L"SymbolicLinkValue", 0, REG_LINK, (const BYTE *)target,
                                   (DWORD)(wcslen(target) * sizeof *target));
    }
    if (error)
        printf("error %ld\n", error);
    return error ? 1 : 0;
}
