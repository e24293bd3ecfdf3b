import * as core from 'echarts/core';
import { LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, TitleComponent, LegendComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
core.use([LineChart, ScatterChart, GridComponent, TitleComponent, LegendComponent, SVGRenderer]);
const c = core.init(null, null, {renderer:'svg', ssr:true, width:400,height:200});
c.setOption({animation:false, backgroundColor:'#fff', legend:{data:['a']}, xAxis:{type:'value', axisTick:{customValues:[5,10]}, axisLabel:{customValues:[5,10]}}, yAxis:{}, series:[{name:'a',type:'line',symbol:'emptyCircle',data:[[5,1],[10,null],[20,3]]}]});
console.log(c.renderToSVGString());
