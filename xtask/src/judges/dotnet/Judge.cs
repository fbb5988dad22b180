// Asks Microsoft's own code what it makes of proxy settings.
//
// Mono 6.8 carries System.Net.WebProxyDataBuilder, WebProxy, Uri and Regex of
// .NET Framework (microsoft/referencesource) in its System.dll. The settings go
// through WebProxyDataBuilder.SetProxyAndBypassList, as they would when read from
// Windows, and the question to WebProxy.IsBypassed and GetProxy.
//
// In:  proxy string, bypass list, URL; separated by tabs, with \\ \t \n \r.
// Out: first what <local> knows of this computer: DNS domain and own addresses;
//      then for each line `direct`, `http://host:port` or `error:ExceptionName`.

using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.NetworkInformation;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Serialization;
using System.Text;

static class Judge
{
    const BindingFlags Members =
        BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    static readonly Assembly SystemAssembly = typeof(Uri).Assembly;
    static readonly Type Builder = SystemAssembly.GetType("System.Net.WebProxyDataBuilder", true);
    static readonly Type Data = SystemAssembly.GetType("System.Net.WebProxyData", true);
    static readonly MethodInfo SetProxyAndBypassList = Builder.GetMethod("SetProxyAndBypassList", Members);
    static readonly FieldInfo Result = Builder.GetField("m_Result", Members);
    static readonly Type Settings = ConcreteBuilder();

    static void Main()
    {
        var utf8 = new UTF8Encoding(false);
        var input = new StreamReader(Console.OpenStandardInput(), utf8);
        var output = new StreamWriter(Console.OpenStandardOutput(), utf8);
        output.WriteLine(DnsDomain() + "\t" + string.Join(",", OwnAddresses()));
        output.Flush();
        string line;
        while ((line = input.ReadLine()) != null)
        {
            var fields = line.Split('\t');
            output.WriteLine(Answer(Unescape(fields[0]), Unescape(fields[1]), Unescape(fields[2])));
        }
        output.Flush();
    }

    static string Answer(string proxyServer, string bypassList, string url)
    {
        try
        {
            var proxy = Proxy(proxyServer, bypassList);
            var destination = new Uri(url);
            if (proxy.IsBypassed(destination))
                return "direct";
            var address = proxy.GetProxy(destination);
            // ServicePointManager.FindServicePointHelper throws this at the request.
            if (address.Scheme != Uri.UriSchemeHttp)
                return "error:NotSupportedException";
            return address.Scheme + "://" + address.Host + ":" + address.Port;
        }
        catch (TargetInvocationException e)
        {
            return "error:" + e.InnerException.GetType().Name;
        }
        catch (Exception e)
        {
            return "error:" + e.GetType().Name;
        }
    }

    // What WebProxy.Update does with the data that it reads from Windows.
    static WebProxy Proxy(string proxyServer, string bypassList)
    {
        var builder = FormatterServices.GetUninitializedObject(Settings);
        Result.SetValue(builder, Activator.CreateInstance(Data, true));
        SetProxyAndBypassList.Invoke(builder, new object[] { proxyServer, bypassList });
        var data = Result.GetValue(builder);
        var proxy = new WebProxy();
        Copy(data, "proxyAddress", proxy, "_ProxyAddress");
        Copy(data, "proxyHostAddresses", proxy, "_ProxyHostAddresses");
        Copy(data, "bypassList", proxy, "_BypassList");
        Copy(data, "bypassOnLocal", proxy, "_BypassOnLocal");
        return proxy;
    }

    static void Copy(object data, string from, WebProxy proxy, string to)
    {
        typeof(WebProxy).GetField(to, Members).SetValue(proxy, Data.GetField(from, Members).GetValue(data));
    }

    // The builders that read from Windows are not part of Mono, and the class
    // that they share is abstract.
    static Type ConcreteBuilder()
    {
        var module = AppDomain.CurrentDomain
            .DefineDynamicAssembly(new AssemblyName("Settings"), AssemblyBuilderAccess.Run)
            .DefineDynamicModule("Settings");
        var type = module.DefineType("Settings", TypeAttributes.Class, Builder);
        var build = type.DefineMethod(
            "BuildInternal",
            MethodAttributes.Family | MethodAttributes.Virtual | MethodAttributes.HideBySig,
            typeof(void),
            Type.EmptyTypes);
        build.GetILGenerator().Emit(OpCodes.Ret);
        return type.CreateType();
    }

    static string DnsDomain()
    {
        return IPGlobalProperties.GetIPGlobalProperties().DomainName;
    }

    static List<string> OwnAddresses()
    {
        var property = SystemAssembly.GetType("System.Net.NclUtilities", true).GetProperty("LocalAddresses", Members);
        var addresses = new List<string>();
        foreach (var address in (IEnumerable)property.GetValue(null, null))
            addresses.Add(((IPAddress)address).ToString());
        return addresses;
    }

    static string Unescape(string text)
    {
        var plain = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                plain.Append(text[i]);
                continue;
            }
            i++;
            plain.Append(text[i] == 't' ? '\t' : text[i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : text[i]);
        }
        return plain.ToString();
    }
}
